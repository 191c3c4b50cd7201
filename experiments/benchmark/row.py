"""What the benchmark records of one contender."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One contender's numbers.

    Args:
        fid_real: FID to real renders; ``fid_reference``: to the unpatched images.
        worse: ``fid_real`` over the unpatched one, less 1; ``bound``: its one-sided 95 % bound.
        psnr: mean over images, in dB, to the unpatched ones.
        captions: share of images that show all of their caption.
        latency_s: median CPU seconds per image of the denoising loop.
        speedup: median over rounds of unpatched time over its time, same round.
        low, high: smallest and largest speed-up of a round.
    """

    name: str
    family: str
    fid_real: float
    fid_reference: float
    worse: float
    bound: float
    psnr: float
    captions: float
    latency_s: float
    speedup: float
    low: float
    high: float
