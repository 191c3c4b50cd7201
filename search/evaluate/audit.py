"""What an audit measures of images: FIDs with intervals, KID, and distances of image pairs."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.image import structural_similarity_index_measure

from search.evaluate.generate import Images
from search.evaluate.quality import QualityMeter, fid_between
from search.evaluate.resample import interval, matched
from search.evaluate.threads import one_thread
from search.record import Audit, Quality

ROUNDING = 1 / 12 / 255**2
"""Mean squared error of rounding to 8 bits: images that are equal may be that far apart."""


class AuditMeter:
    """Scores held-out images.

    Args:
        meter: the held-out workload's own.
        reference: the unpatched model's images of the workload.
        objective: the FID that the study minimised, whose value is also told for sets of
            ``block`` images, as many as the search used: FIDs of different counts do not compare.
    """

    def __init__(self, meter: QualityMeter, reference: Images, objective: str, block: int) -> None:
        self._meter = meter
        self._reference = reference
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
        features = self._meter.features(images)
        return interval(lambda draw: self._meter.fid_real(features[draw]), len(features))

    def audit(self, images: Images) -> Audit:
        """Everything that :class:`search.record.Quality` leaves out."""
        features = self._meter.features(images)
        reference = self._meter.reference
        real = None if self._meter.real is None else self._meter.real.features

        def to_reference(draw: Tensor) -> float:
            return fid_between(reference[draw], features[draw])

        def to_real(draw: Tensor) -> float:
            return self._meter.fid_real(features[draw])

        chosen = to_real if self._objective == "fid_real" else to_reference
        on_block = matched(chosen, len(features), self._block)
        return Audit(
            reference_interval=interval(to_reference, len(features)),
            matched_fid=None if on_block is None else on_block[0],
            matched_interval=None if on_block is None else on_block[1],
            kid_real=None if real is None else kid(real, features),
            kid_reference=paired_kid(reference, features),
            psnr=psnr(images.pixels, self._reference.pixels),
            ssim=ssim(images.pixels, self._reference.pixels),
            perceptual=perceptual(features, reference),
        )


def kid(first: Tensor, second: Tensor) -> float:
    """Unbiased kernel distance of two independent sets of features, which may be below 0.

    The polynomial kernel of "Demystifying MMD GANs" (Binkowski et al. 2018), over whole sets.
    """
    first, second = first.double(), second.double()
    return _mean_off_diagonal(_kernel(first, first)) + _mean_off_diagonal(
        _kernel(second, second)
    ) - 2 * float(_kernel(first, second).mean())  # fmt: skip


def paired_kid(first: Tensor, second: Tensor) -> float:
    """The same for two sets of images of the same prompts and noise: pairs are left out, because
    they are not independent (Gretton et al. 2012, lemma 6)."""
    first, second = first.double(), second.double()
    kernel = _kernel(first, first) + _kernel(second, second) - 2 * _kernel(first, second)
    return _mean_off_diagonal(kernel)


def _kernel(first: Tensor, second: Tensor) -> Tensor:
    return (first @ second.T / first.shape[1] + 1) ** 3


def _mean_off_diagonal(square: Tensor) -> float:
    count = len(square)
    return float((square.sum() - square.diagonal().sum()) / (count * (count - 1)))


def psnr(images: Tensor, reference: Tensor) -> float:
    """Mean over pairs of the peak signal-to-noise ratio in dB; 59 for equal images, of which 8 bits
    cannot tell more. Both (n, 3, height, width), uint8."""
    error = (images.double() - reference.double()).div(255).square().mean((1, 2, 3))
    return float(-10 * (error + ROUNDING).log10().mean())


def ssim(images: Tensor, reference: Tensor) -> float:
    """Mean over pairs of the structural similarity, at most 1. Both as for :func:`psnr`."""
    with one_thread():
        value = structural_similarity_index_measure(
            images.float() / 255, reference.float() / 255, data_range=1.0
        )
    assert isinstance(value, Tensor)
    return float(value)


def perceptual(features: Tensor, reference: Tensor) -> float:
    """Mean over pairs of half the squared distance of unit-length features: 0 equal, 1 orthogonal.

    In the spirit of LPIPS (Zhang et al. 2018), with the pooled features of the study's own network.
    """
    pairs = F.normalize(features.double(), dim=1) - F.normalize(reference.double(), dim=1)
    return float(pairs.square().sum(1).mean() / 2)
