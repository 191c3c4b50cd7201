"""The network whose features an FID compares, with the preprocessing that belongs to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pickle import UnpicklingError
from typing import cast

import torch
from torch import Tensor, nn

from search.errors import UserError
from search.model.threads import one_thread
from search.quality.feature_packages import PLUGINS, check_features, missing_package

EMBED_BATCH = 64
IMAGENET = {"mean": (0.485, 0.456, 0.406), "deviation": (0.229, 0.224, 0.225)}
"""Of the training images' channels in [0, 1], with which torchvision normalises."""


@dataclass(frozen=True)
class FeatureNetwork:
    """A module from uint8 images (n, 3, height, width) to float32 features (n, any).

    Args:
        name: what ``quality.features`` calls it.
        square: side of the square to which real images are stretched; with ``None`` they are
            cropped to the size of the generated images instead.
    """

    name: str
    module: nn.Module
    square: int | None = None

    def embed(self, pixels: Iterable[Tensor], device: str) -> Iterator[Tensor]:
        """Features of batches of images, on the CPU, batch by batch."""
        self.module.to(device).eval()
        for batch in pixels:
            with one_thread(), torch.no_grad():
                yield self.module(batch.to(device)).float().cpu()

    @property
    def digest(self) -> str:
        """A hash of all weights."""
        sha = hashlib.sha256()
        for name, value in sorted(self.module.state_dict().items()):
            sha.update(name.encode())
            sha.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
        return sha.hexdigest()


def load_feature_network(name: str, path: str | None = None) -> FeatureNetwork:
    """The feature network ``quality.features=name``.

    Args:
        name: ``"pocket"`` (embedded, for the pocket model's scenes), ``"inception"`` (of published
            FIDs; extra ``fid``), ``"inception_released"`` (as the paper's released code has it),
            or the name of an entry point in the group ``dato.features``.
        path: file of an Inception's weights; ``None`` lets its package find or download them.

    Raises:
        UserError: the name is unknown, or its packages or weights are missing.
    """
    check_features(name)
    if name in _NETWORKS:
        try:
            return _NETWORKS[name](path)
        except ModuleNotFoundError as error:
            raise missing_package(name, error.name or "torch-fidelity") from error
        except (OSError, UnpicklingError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                f"Cannot read the weights of quality.features={name} ({reason}). Download them on "
                "another machine, and set quality.features_path=FILE."
            ) from error
    plugins = {plugin.name: plugin for plugin in entry_points(group=PLUGINS)}
    return FeatureNetwork(name, plugins[name].load()().eval())


def _pocket(path: str | None) -> FeatureNetwork:
    from search.pocket import load_features

    return FeatureNetwork("pocket", cast(nn.Module, load_features()).eval())


def _inception(path: str | None) -> FeatureNetwork:
    """Inception-v3 of the original FID, by torch-fidelity. torchmetrics' anti-aliasing is off, so
    that images are resized as TensorFlow 1 did for the published statistics."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    if path is not None:  # torch-fidelity would run code in a pickle
        torch.load(path, map_location="cpu", weights_only=True)
    metric = FrechetInceptionDistance(2048, feature_extractor_weights_path=path, antialias=False)
    return FeatureNetwork("inception", metric.inception)


def _inception_released(path: str | None) -> FeatureNetwork:
    from torchvision.models import Inception_V3_Weights, inception_v3

    if path is None:
        network = inception_v3(weights=Inception_V3_Weights.IMAGENET1K_V1)
    else:
        network = inception_v3(weights=None, init_weights=False)
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    network.fc, network.transform_input = nn.Identity(), False
    return FeatureNetwork("inception_released", Released(network), square=Released.side)


class Released(nn.Module):
    """The preprocessing of the paper's released ``sd1/fid.py``: stretched to 512 x 512, normalised
    with ImageNet's mean and deviation, and given to torchvision's Inception-v3 (pool 3) at that
    size. Its FIDs and those of ``"inception"`` do not compare. The file also shows a command of
    pytorch-fid, and does not say which of the two made the paper's tables.

    Args:
        network: from normalised images (n, 3, 512, 512) to features.
    """

    side = 512
    mean: Tensor
    deviation: Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        for name, values in IMAGENET.items():
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        """Features of images: uint8 (n, 3, height, width) -> float32 (n, features)."""
        images = pixels.float() / 255
        if images.shape[-2:] != (self.side, self.side):
            images = nn.functional.interpolate(
                images, (self.side, self.side), mode="bilinear", antialias=True
            )
        features: Tensor = self.network((images - self.mean) / self.deviation)
        return features.flatten(1)


_NETWORKS: Mapping[str, Callable[[str | None], FeatureNetwork]] = {
    "pocket": _pocket,
    "inception": _inception,
    "inception_released": _inception_released,
}
