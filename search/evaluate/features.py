"""The network whose features an FID compares."""

from __future__ import annotations

from typing import cast

from torch import nn

from search.errors import UserError

NAMES = ("pocket", "inception")


def load_feature_network(name: str) -> nn.Module:
    """A module from uint8 images (n, 3, height, width) to float32 features (n, num_features).

    Args:
        name: ``"pocket"`` (embedded, for the pocket model's scenes) or ``"inception"`` (the
            network of published FIDs; needs the extra ``fid``).

    Raises:
        UserError: the name is unknown or its packages are missing.
    """
    if name == "pocket":
        from search.pocket import load_features

        return cast(nn.Module, load_features()).eval()
    if name == "inception":
        return _inception()
    raise UserError(f"quality.features is one of {', '.join(NAMES)}; found {name!r}. Choose one.")


def _inception() -> nn.Module:
    from torchmetrics.image.fid import FrechetInceptionDistance

    try:
        network = FrechetInceptionDistance(feature=2048).inception
    except ModuleNotFoundError as error:
        raise UserError(
            'quality.features="inception" needs torch-fidelity. Install the extra: '
            "pip install 'dato[fid]'."
        ) from error
    return network.eval()
