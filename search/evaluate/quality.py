"""Image quality of a schedule: two FIDs and a paired distance to the unpatched model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from search.errors import TrialError, UserError
from search.evaluate.features import EMBED_BATCH, FeatureNetwork
from search.evaluate.frechet import frechet, frechet_between
from search.evaluate.generate import Images
from search.evaluate.statistics_file import Statistics
from search.evaluate.threads import one_thread
from search.record import Quality


class QualityMeter:
    """Compares images with real ones and with the reference's; built once per workload.

    Reference images are embedded once, generated ones once per trial for both FIDs.

    Args:
        network: embeds images.
        real: statistics of real images; ``None`` makes ``fid_real`` NaN.
        reference: the unpatched model's images of the workload.
        device: where the network runs.

    Attributes:
        real: the same.
        reference: features of the reference's images, (images, features).

    Raises:
        UserError: the statistics are of another network's features.
    """

    def __init__(
        self,
        network: FeatureNetwork,
        real: Statistics | None,
        reference: Images,
        device: str = "cpu",
    ) -> None:
        self._network = network
        self._device = device
        self._latents = reference.latents
        self._variance = float(reference.latents.double().var())
        self._last: tuple[Images, Tensor] | None = None
        self.real = real
        self.reference = self._embed(reference.pixels)
        size = self.reference.shape[1]
        if real is not None and real.moments.mean.numel() != size:
            raise UserError(
                f"quality.real holds statistics of {real.moments.mean.numel()} features, and "
                f"quality.features={network.name} gives {size}. Take statistics of the same "
                "network."
            )

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
            fid_real=self.fid_real(features),
            fid_reference=fid_between(self.reference, features),
            distance=self.distance(images.latents, range(self.count)),
            images=self.count,
        )
        if not (math.isfinite(quality.fid_reference) and math.isfinite(quality.distance)):
            raise TrialError(f"The quality is not finite: {quality}.")
        return quality

    def unpatched(self) -> Quality:
        """The reference's own quality."""
        real = self.fid_real(self.reference)
        return Quality(fid_real=real, fid_reference=0.0, distance=0.0, images=self.count)

    def features(self, images: Images) -> Tensor:
        """(images, num_features) on the CPU; those of the last set asked for are remembered."""
        if self._last is None or self._last[0] is not images:
            self._last = (images, self._embed(images.pixels))
        return self._last[1]

    def fid_real(self, features: Tensor) -> float:
        """FID of any number of features to the real images; NaN without them."""
        if self.real is None:
            return math.nan
        with one_thread():
            return frechet(self.real.moments, features)

    def _embed(self, pixels: Tensor) -> Tensor:
        """Features on the CPU: (images, features)."""
        return torch.cat(list(self._network.embed(pixels.split(EMBED_BATCH), self._device)))


def fid_between(first: Tensor, second: Tensor) -> float:
    """FID of two sets of features, (images, features) each."""
    with one_thread():
        return frechet_between(first, second)
