"""The metrics that a study can minimise, bound or record: their names, directions and needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points

from search.nearest import did_you_mean

SCORERS = "dato.scores"
"""Entry points of installed packages; see :mod:`search.quality.scorers`. A configuration can only
name what the user installed, so a study from somebody else imports nothing."""


FID_REAL_BOUND = "fid_real_bound"
"""The unpatched FID to real images plus the one-sided 95 % bound of how much higher a schedule's
is. Prompts and noise are the same, so the difference has a far smaller spread than either."""

WORSE = 0.013
"""An FID to real images is *no worse* while its bound is less than this share above the unpatched
one: FID's own coefficient of variation is 1 to 2 %."""


@dataclass(frozen=True)
class Metric:
    """One number about a set of generated images.

    Args:
        name: in settings and files; ``title``: in sentences; ``short``: above a column.
        higher: whether more is better.
        real: whether it needs real images.
        loss: what is minimised instead of the metric; it falls as images get better.
        worst: loss of useless images; ``None`` if there is no such number.
        ratio: whether losses compare by their ratio, with 0 as perfect. Only then can the first
            rung rule a schedule out.
        digits: after the decimal point; None shows as many as mean something.
    """

    name: str
    title: str
    short: str
    higher: bool = False
    real: bool = False
    loss: Callable[[float], float] = float
    worst: float | None = 1.0
    ratio: bool = True
    digits: int | None = None

    @property
    def label(self) -> str:
        """The shortest name. It does not say which FID is meant."""
        return "FID" if self.name in FIDS else self.short

    def better(self, value: float, other: float) -> bool:
        """Whether ``value`` is the better one."""
        return value > other if self.higher else value < other


def _rms(decibels: float) -> float:
    """Root mean square error, as a share of the range, of a signal-to-noise ratio in dB."""
    return float(10 ** (-decibels / 20))


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("fid_reference", "FID to the unpatched images", "FID to ref.", worst=100.0),
        Metric("fid_real", "FID to real images", "FID to real", real=True, worst=100.0),
        # A bootstrap of its own, so that it is bounded and recorded, and never minimised.
        Metric(FID_REAL_BOUND, "bound of the FID to real images", "FID to real, bound", real=True),
        # Unbiased, so that small ones are below 0 and have no ratio.
        Metric("kid_reference", "KID to the unpatched images", "KID ref.", ratio=False),
        Metric("kid_real", "KID to real images", "KID real", real=True, ratio=False),
        Metric(
            "clip_score", "CLIP score", "CLIP", higher=True, loss=lambda value: 100 - value,
            worst=100.0, ratio=False, digits=2,
        ),
        # Of the embedded models' scenes only: its captions say what there is to see.
        Metric(
            "caption_accuracy", "share of images that show their caption", "captions right",
            higher=True, loss=lambda value: 1 - value, ratio=False, digits=3,
        ),
        Metric("psnr", "PSNR in dB", "PSNR", higher=True, loss=_rms, digits=2),
        Metric("ssim", "SSIM", "SSIM", higher=True, loss=lambda value: 1 - value, digits=4),
        Metric("lpips", "LPIPS", "LPIPS", digits=4),
        Metric("feature_distance", "feature distance", "features", digits=4),
    )
}  # fmt: skip
FIDS = ("fid_reference", "fid_real")
"""Measured of every schedule."""


def metric(name: str) -> Metric:
    """The metric of that name: one of :data:`METRICS`, or that of an installed scorer, of which
    more is better.

    Raises:
        ValueError: there is no such metric.
    """
    if name in METRICS:
        return METRICS[name]
    installed = {entry.name for entry in entry_points(group=SCORERS)}
    if name in installed:
        return Metric(
            name, name, name, higher=True, loss=lambda value: -value, worst=None, ratio=False,
            digits=4,
        )  # fmt: skip
    known = [*METRICS, *sorted(installed)]
    hint = did_you_mean(name, known)
    raise ValueError(f"{name!r} is not a metric. {hint}Choose one of {', '.join(known)}.")
