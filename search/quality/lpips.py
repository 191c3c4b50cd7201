"""LPIPS (Zhang et al. 2018, arXiv 1801.03924): distance of image pairs in AlexNet's layers.

Written out because torchmetrics' own takes no file of AlexNet's weights, which a machine without a
network needs, and does not import without torchvision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn
from torch.hub import load_state_dict_from_url

from search.errors import UserError

ALEXNET = "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"
"""torchvision's weights of AlexNet, on which LPIPS's own weights were trained."""

TAPS = (1, 4, 7, 9, 11)
"""Layers whose outputs are compared."""

MEAN, DEVIATION = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Of the channels in [-1, 1], as in the authors' ``ScalingLayer``."""


def alexnet_features() -> nn.Sequential:
    """The convolutions of torchvision's AlexNet up to the last tap, layers at the same places."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(),
    )


class Lpips(nn.Module):
    """Version 0.1 on AlexNet, a scorer of pairs.

    Args:
        backbone: see :func:`alexnet_features`.
        weights: of the channels at each tap, (channels,).
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, backbone: nn.Sequential, weights: Sequence[Tensor]) -> None:
        super().__init__()
        self.backbone = backbone
        self.weights = nn.ParameterList(nn.Parameter(w, requires_grad=False) for w in weights)
        for name, values in (("mean", MEAN), ("deviation", DEVIATION)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1))

    @torch.no_grad()
    def forward(self, images: Tensor, reference: Tensor, prompts: Sequence[str] = ()) -> Tensor:
        """Distances (n,), 0 equal, of pairs (n, 3, height, width), uint8."""
        distance = torch.zeros(len(images), device=images.device)
        x, y = self._prepared(images), self._prepared(reference)
        weights = iter(self.weights)
        for place, layer in enumerate(self.backbone):
            x, y = layer(x), layer(y)
            if place in TAPS:
                difference = (_normalised(x) - _normalised(y)).square()
                weight = next(weights).view(1, -1, 1, 1)
                distance = distance + (difference * weight).sum(1).mean((1, 2))
        return distance

    def _prepared(self, images: Tensor) -> Tensor:
        return (images.float() / 127.5 - 1 - self.mean) / self.deviation


def _normalised(features: Tensor) -> Tensor:
    """Of unit length over the channels."""
    return features / (features.square().sum(1, keepdim=True) + 1e-8).sqrt()


def load_lpips(path: str | None, device: str) -> Lpips:
    """LPIPS with AlexNet's weights. The weights of the taps come with torchmetrics.

    Args:
        path: file of torchvision's AlexNet weights; ``None`` takes them from torch's cache, or
            downloads them there.

    Raises:
        UserError: the weights are missing, or the file holds something else.
    """
    backbone = alexnet_features()
    try:
        stored = _alexnet(path)
        prefix = "features."
        backbone.load_state_dict(
            {key.removeprefix(prefix): stored[key] for key in stored if key.startswith(prefix)}
        )
    except (OSError, RuntimeError, ValueError, UnpicklingError) as error:
        place = path or f"{torch.hub.get_dir()}/checkpoints"
        raise UserError(
            f"Cannot read torchvision's AlexNet weights, which lpips needs, from {place!r} "
            f"({str(error).splitlines()[0]}). Download {ALEXNET} on another machine and set "
            "quality.lpips_path=FILE; or take feature_distance, the same idea with the study's own "
            "feature network."
        ) from error
    return Lpips(backbone, _tap_weights()).to(device).eval()


def _alexnet(path: str | None) -> Mapping[str, Tensor]:
    if path is None:
        return load_state_dict_from_url(ALEXNET, map_location="cpu", check_hash=True)
    file = Path(path).expanduser()
    stored = torch.load(file, map_location="cpu", weights_only=True)
    if not isinstance(stored, Mapping):
        raise ValueError("it holds no weights by name")
    return stored


def _tap_weights() -> tuple[Tensor, ...]:
    """From torchmetrics' file, without importing its module, which needs torchvision."""
    spec = find_spec("torchmetrics.functional.image")
    assert spec is not None and spec.origin is not None
    file = Path(spec.origin).parent / "lpips_models" / "alex.pth"
    stored = torch.load(file, map_location="cpu", weights_only=True)
    return tuple(stored[f"lin{tap}.model.1.weight"].flatten() for tap in range(len(TAPS)))
