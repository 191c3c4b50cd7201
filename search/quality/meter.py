"""Image quality of a schedule: two FIDs, a distance to the unpatched model, further metrics."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from search.errors import TrialError, UserError
from search.metrics import metric
from search.model.images import Images
from search.model.threads import one_thread
from search.quality.bootstrap import upper_bound
from search.quality.features import EMBED_BATCH, FeatureNetwork
from search.quality.frechet import frechet, frechet_between
from search.quality.image_pairs import feature_distance
from search.quality.kid import kid, paired_kid
from search.quality.scorers import Scorer
from search.quality.statistics import Statistics
from search.records.quality import Quality

Measure = Callable[[Tensor], float]
"""From indices of images to the value of a metric on them."""


class QualityMeter:
    """Compares images with real ones and with the reference's. It is built once for a workload.

    Reference images are embedded once, generated ones once in a trial for all metrics.

    Args:
        network: embeds images.
        real: statistics of real images; ``None`` makes ``fid_real`` NaN.
        reference: the unpatched model's images of the workload.
        device: where the network runs.
        metrics: what to measure besides the FIDs, by name.
        scorers: by name, for those metrics that need one.
        prompts: of the workload, for scorers that read them.

    Attributes:
        real: as given.
        reference: features of the reference's images, (images, features).

    Raises:
        UserError: the statistics are of another network's features, or lack the features that
            ``kid_real`` needs.
    """

    def __init__(
        self,
        network: FeatureNetwork,
        real: Statistics | None,
        reference: Images,
        device: str = "cpu",
        *,
        metrics: Sequence[str] = (),
        scorers: Mapping[str, Scorer] | None = None,
        prompts: Sequence[str] = (),
    ) -> None:
        self._network = network
        self._device = device
        self._images = reference
        self._latents = reference.latents.to(device)
        self._variance = float(self._latents.double().var())
        self._metrics = tuple(metrics)
        self._scorers = scorers or {}
        self._different = len(set(prompts))
        self._prompts = tuple(prompts) or ("",) * len(reference)
        self._last: tuple[Images, Tensor] | None = None
        self._reference_fids: dict[bytes, float] = {}
        self.real = real
        self.reference = self._embed(reference.pixels)
        if real is not None:
            require_features_of(network, real, self.reference.shape[1])
        if "kid_real" in metrics and (real is None or real.features is None):
            raise UserError(
                "Cannot measure kid_real: it needs the features of real images, and quality.real "
                "holds only their mean and covariance. Give a folder of images, or leave kid_real "
                "out."
            )

    @property
    def count(self) -> int:
        """Images behind every FID of this meter."""
        return len(self._latents)

    def distance(self, latents: Tensor, indices: Sequence[int]) -> float:
        """Mean squared distance of ``latents`` to the reference's of the same ``indices``, over the
        variance of the reference's latents. 0 means equal, 2 unrelated."""
        pairs = self._latents[torch.as_tensor(indices)]
        return (
            float((latents.to(pairs.device).double() - pairs.double()).square().mean())
            / self._variance
        )

    def quality(self, images: Images) -> Quality:
        """Quality of a full set of images.

        Raises:
            ValueError: there are not as many images as the reference has.
            TrialError: a result is not finite.
        """
        if len(images) != self.count:
            raise ValueError(
                f"There are {len(images)} images, and this meter compares {self.count}: FIDs of "
                "different counts are never compared."
            )
        features = self.features(images)
        quality = Quality(
            fid_real=self.fid_real(features),
            fid_reference=fid_between(self.reference, features),
            distance=self.distance(images.latents, range(self.count)),
            images=self.count,
            metrics=self._measured(images),
            prompts=self._different,
        )
        finite = (quality.fid_reference, quality.distance, *quality.metrics.values())
        if not all(map(math.isfinite, finite)):
            raise TrialError(f"The quality is not finite: {quality}.")
        return quality

    def unpatched(self) -> Quality:
        """The reference's own quality."""
        real = self.fid_real(self.reference)
        metrics = self._measured(self._images)
        return Quality(real, 0.0, 0.0, self.count, metrics, self._different)

    def _measured(self, images: Images) -> Mapping[str, float]:
        every = torch.arange(self.count)
        return {name: self.measure(name, images)(every) for name in self._metrics}

    def measure(self, name: str, images: Images) -> Measure:
        """A function from indices to the metric ``name`` of those ``images``."""
        if metric(name).real and self.real is None:
            return lambda draw: math.nan
        features = self.reference if images is self._images else self.features(images)
        match name:
            case "fid_reference":
                return lambda draw: fid_between(self.reference[draw], features[draw])
            case "fid_real":
                return lambda draw: self.fid_real(features[draw])
            case "fid_real_bound":
                return lambda draw: self._real_bound(features[draw], draw)
            case "kid_reference":
                return lambda draw: paired_kid(self.reference[draw], features[draw])
            case "kid_real":
                assert self.real is not None and self.real.features is not None
                real = self.real.features
                return lambda draw: kid(real, features[draw])
            case "feature_distance":
                each = feature_distance(features, self.reference)
            case _:
                each = self.scores(self._scorers[name], images)
        return lambda draw: float(each[draw].mean())

    def scores(self, scorer: Scorer, images: Images) -> Tensor:
        """One number for each image, on the CPU, float64."""
        parts = []
        for start in range(0, len(images), EMBED_BATCH):
            batch = slice(start, start + EMBED_BATCH)
            shown = images.pixels[batch].to(self._device)
            reference = self._images.pixels[batch].to(self._device)
            with one_thread(), torch.no_grad():
                parts.append(scorer(shown, reference, self._prompts[batch]).double())
        return torch.cat(parts).cpu()

    def features(self, images: Images) -> Tensor:
        """(images, num_features) on the CPU. The last set's features are remembered."""
        if self._last is None or self._last[0] is not images:
            self._last = (images, self._embed(images.pixels))
        return self._last[1]

    def fid_real(self, features: Tensor) -> float:
        """FID of any number of features to the real images; NaN without them."""
        if self.real is None:
            return math.nan
        with one_thread():
            return frechet(self.real.moments, features)

    def _real_bound(self, features: Tensor, images: Tensor) -> float:
        """FID of the reference to the real images, plus the bound of how much higher that of
        ``features`` is.

        Args:
            features: (images, features) of the ``images`` of the reference, which are indices.
        """

        def difference(draw: Tensor) -> float:
            return self.fid_real(features[draw]) - self._reference_fid(images[draw])

        return self._reference_fid(images) + upper_bound(difference, len(features))

    def _reference_fid(self, images: Tensor) -> float:
        """FID of these images of the reference to the real ones. All schedules of a study ask for
        the same draws."""
        key = images.numpy().tobytes()
        if key not in self._reference_fids:
            self._reference_fids[key] = self.fid_real(self.reference[images])
        return self._reference_fids[key]

    def _embed(self, pixels: Tensor) -> Tensor:
        """Features on the CPU: (images, features)."""
        return torch.cat(list(self._network.embed(pixels.split(EMBED_BATCH), self._device)))


def require_features_of(network: FeatureNetwork, real: Statistics, size: int) -> None:
    """Raise UserError unless statistics are of as many features as the network gives."""
    known = real.moments.mean.numel()
    if known != size:
        raise UserError(
            f"quality.real holds statistics of {known} features, but "
            f"quality.features={network.name} gives {size}. Take statistics of the same network."
        )


def fid_between(first: Tensor, second: Tensor) -> float:
    """FID of two sets of features, (images, features) each."""
    with one_thread():
        return frechet_between(first, second)
