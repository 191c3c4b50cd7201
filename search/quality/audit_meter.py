"""What an audit measures of images: FIDs with intervals, KID, and distances of image pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from search.metrics import FIDS
from search.model.images import Images
from search.quality.bootstrap import interval, matched
from search.quality.image_pairs import feature_distance, psnr, ssim
from search.quality.kid import kid, paired_kid
from search.quality.meter import QualityMeter
from search.records.front import Audit
from search.records.quality import Quality


class AuditMeter:
    """Scores held-out images.

    Args:
        meter: the held-out workload's own.
        objective: the metric that the study minimised.
        block: images of the search. The objective is also measured on sets of that many, because
            FIDs of different counts do not compare.
    """

    def __init__(self, meter: QualityMeter, objective: str, block: int) -> None:
        self._meter = meter
        self._objective = objective
        self._block = block

    @property
    def count(self) -> int:
        """Images behind every FID."""
        return self._meter.count

    def quality(self, images: Images) -> Quality:
        """See :meth:`QualityMeter.quality`."""
        return self._meter.quality(images)

    def real_interval(self, images: Images) -> tuple[float, float] | None:
        """Interval of ``fid_real``; ``None`` without real images. See :func:`interval`."""
        if self._meter.real is None:
            return None
        return interval(self._meter.measure("fid_real", images), len(images), lowest=0.0)

    def audit(self, images: Images) -> Audit:
        """What an audit measures besides :class:`search.records.record.Quality`."""
        meter, count = self._meter, len(images)
        features, reference = meter.features(images), meter.reference
        real = None if meter.real is None else meter.real.features
        chosen, is_fid = meter.measure(self._objective, images), self._objective in FIDS
        on_block = matched(chosen, count, self._block, lowest=0.0 if is_fid else None)
        return Audit(
            reference_interval=interval(meter.measure("fid_reference", images), count, lowest=0.0),
            matched_fid=None if on_block is None else on_block[0],
            matched_interval=None if on_block is None else on_block[1],
            kid_real=None if real is None else kid(real, features),
            kid_reference=paired_kid(reference, features),
            psnr=self._mean(psnr, images),
            ssim=self._mean(ssim, images),
            perceptual=float(feature_distance(features, reference).mean()),
            interval=None if is_fid else interval(chosen, count),
        )

    def _mean(self, pairs: Callable[[Tensor, Tensor], Tensor], images: Images) -> float:
        def scorer(shown: Tensor, reference: Tensor, _: Sequence[str]) -> Tensor:
            return pairs(shown, reference)

        return float(self._meter.scores(scorer, images).mean())
