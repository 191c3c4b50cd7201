"""The members of a front: non-dominated trials, and what audits measured of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from search.records.quality import Quality
from search.records.record import TrialRecord


@dataclass(frozen=True)
class Timing:
    """End-to-end time of the denoising loop, seconds per image: median and spread over repeats."""

    latency_s: float
    spread_s: float
    repeats: int


@dataclass(frozen=True)
class Audit:
    """What an audit measured of one schedule beside its held-out FIDs; pairs are with the
    unpatched model's image of the same prompt and noise.

    Args:
        reference_interval: 90 % bootstrap interval of ``fid_reference`` over images.
        matched_fid: the study's own metric on held-out images, the mean over sets of as many as the
            search used, so that it compares with the searched one; ``None`` for fewer images.
        matched_interval: 90 % interval of what a search on as many other prompts would find;
            ``None`` for fewer than twice as many images.
        kid_real, kid_reference: kernel distances to the same sets as the FIDs; unbiased, so that
            they may be below 0. ``kid_real`` is ``None`` without real images.
        psnr: mean over pairs, dB; ``ssim``: mean structural similarity.
        perceptual: mean distance of the pairs' features, 0 equal to 1 unrelated.
        beaten_by: name of a member that is no slower and better beyond the interval, or ``""``.
        interval: 90 % bootstrap interval of the study's own metric where that is no FID.
    """

    reference_interval: tuple[float, float]
    matched_fid: float | None
    matched_interval: Annotated[tuple[float, float] | None, Field(default=None)]
    kid_real: float | None
    kid_reference: float
    psnr: float
    ssim: float
    perceptual: float
    beaten_by: str = ""
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class FrontMember:
    """A non-dominated trial, as far as it was audited.

    Args:
        name: preset name inside the study, such as ``"speedup-4.1x"``.
        record: the trial as searched.
        heldout: quality on held-out prompts and noise; ``None`` unless audited.
        timing: end-to-end re-timing; ``None`` unless audited.
        timed_speedup: over the unpatched pipeline, timed in turns with it; ``None`` unless timed.
        interval: 90 % bootstrap interval of ``heldout.fid_real`` over images; ``None`` where
            that was not measured.
        audit: the rest of what an audit measured; ``None`` for the unpatched pipeline.
        elsewhere: speed-up on other devices by their name, priced by their cost tables.
    """

    name: str
    record: TrialRecord
    heldout: Quality | None = None
    timing: Timing | None = None
    timed_speedup: float | None = None
    interval: tuple[float, float] | None = None
    elsewhere: Mapping[str, float] = field(default_factory=dict)
    audit: Audit | None = None

    @property
    def priced_speedup(self) -> float | None:
        """Speed-up by the cost table."""
        return self.record.speedup
