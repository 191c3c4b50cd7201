"""Image quality of a schedule: two FIDs and a paired distance to the unpatched model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from search.errors import TrialError
from search.evaluate.generate import Images
from search.evaluate.threads import one_thread
from search.record import Quality

EMBED_BATCH = 64


class _Embedded(nn.Module):
    """Stands where the metric expects a feature network: its input already is features."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


class QualityMeter:
    """Compares images with real ones and with the reference's; built once per workload.

    Real and reference images are embedded once, generated ones once per trial for both FIDs.

    Args:
        network: uint8 (n, 3, h, w) to float32 (n, ``num_features``).
        real: real images: (any count, 3, height, width), uint8; ``None`` makes ``fid_real`` NaN.
        reference: the unpatched model's images of the workload.
        device: where the network runs.

    Attributes:
        real: features of the real images, (any count, num_features), or ``None``.
        reference: features of the reference's.
    """

    def __init__(
        self, network: nn.Module, real: Tensor | None, reference: Images, device: str = "cpu"
    ) -> None:
        self._network = network.to(device).eval()
        self._device = device
        self._latents = reference.latents
        self._variance = float(reference.latents.double().var())
        self._last: tuple[Images, Tensor] | None = None
        self.real = None if real is None else self._embed(real)
        self._to_real = None if self.real is None else self._metric(self.real)
        self.reference = self._embed(reference.pixels)
        self._to_reference = self._metric(self.reference)

    @property
    def count(self) -> int:
        """Images behind every FID of this meter."""
        return len(self._latents)

    def distance(self, latents: Tensor, indices: Sequence[int]) -> float:
        """Mean squared distance of ``latents`` to the reference's same ``indices``, over the
        variance of the reference's latents. 0 means equal; 2, unrelated."""
        pairs = self._latents[torch.as_tensor(indices)]
        return float((latents.double() - pairs.double()).square().mean()) / self._variance

    def quality(self, images: Images) -> Quality:
        """Quality of a full set of images.

        Raises:
            ValueError: not as many images as the reference has: such FIDs do not compare.
            TrialError: a result is not finite.
        """
        if len(images) != self.count:
            raise ValueError(
                f"FIDs of different image counts are never compared: this meter takes "
                f"{self.count} images; found {len(images)}."
            )
        features = self.features(images)
        quality = Quality(
            fid_real=math.nan if self._to_real is None else _fid(self._to_real, features),
            fid_reference=_fid(self._to_reference, features),
            distance=self.distance(images.latents, range(self.count)),
            images=self.count,
        )
        if not (math.isfinite(quality.fid_reference) and math.isfinite(quality.distance)):
            raise TrialError(f"The quality is not finite: {quality}.")
        return quality

    def unpatched(self) -> Quality:
        """The reference's own quality."""
        real = math.nan if self._to_real is None else _fid(self._to_real, self.reference)
        return Quality(fid_real=real, fid_reference=0.0, distance=0.0, images=self.count)

    def features(self, images: Images) -> Tensor:
        """(images, num_features) on the CPU; those of the last set asked for are remembered."""
        if self._last is None or self._last[0] is not images:
            self._last = (images, self._embed(images.pixels))
        return self._last[1]

    def fid_real(self, features: Tensor) -> float:
        """FID of any number of features to the real images."""
        assert self._to_real is not None
        return _fid(self._to_real, features)

    def _metric(self, features: Tensor) -> FrechetInceptionDistance:
        metric = FrechetInceptionDistance(
            feature=_Embedded(features.shape[1]), reset_real_features=False
        )
        metric.update(features, real=True)
        return metric

    @torch.no_grad()
    def _embed(self, pixels: Tensor) -> Tensor:
        """Features on the CPU: (images, num_features)."""
        with one_thread():
            batches = [
                self._network(batch.to(self._device)).float().cpu()
                for batch in pixels.split(EMBED_BATCH)
            ]
        return torch.cat(batches)


def fid_between(first: Tensor, second: Tensor) -> float:
    """FID of two sets of features, (images, num_features) each."""
    metric = FrechetInceptionDistance(feature=_Embedded(first.shape[1]))
    metric.update(first, real=True)
    return _fid(metric, second, reset=False)


def _fid(metric: FrechetInceptionDistance, features: Tensor, *, reset: bool = True) -> float:
    """FID of ``features`` to the metric's own set; never below 0, which only rounding reaches."""
    if reset:
        metric.reset()
    metric.update(features, real=False)
    with one_thread():
        return max(float(metric.compute()), 0.0)
