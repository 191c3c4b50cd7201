"""Intervals of FIDs and other metrics from resampled images."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Fid = Callable[[Tensor], float]
"""FID, or another metric, of the images with the given indices."""

RESAMPLES = 200
LEVEL = 0.9


def interval(fid: Fid, count: int, *, lowest: float | None = None) -> tuple[float, float]:
    """Bootstrap interval of an FID over ``count`` images, at level 0.9.

    Drawing with replacement repeats images, which raises every resampled FID. So the interval is
    the spread of the resampled FIDs around their own median, moved to the FID of all images. The
    draws are the same for every schedule.

    Args:
        lowest: the metric's lowest possible value; ``None`` if it has none.
    """
    generator = torch.Generator().manual_seed(0)
    draws = [fid(torch.randint(count, (count,), generator=generator)) for _ in range(RESAMPLES)]
    low, high = _spread(draws)
    value = fid(torch.arange(count))
    return _not_below(lowest, value + low), value + high


def matched(
    fid: Fid, count: int, block: int, *, lowest: float | None = None
) -> tuple[float, tuple[float, float] | None] | None:
    """The FID of ``block`` images, and its interval over other prompts and noise.

    FIDs of different counts do not compare. So a search's FID is compared with those of random
    subsets of ``block`` out of ``count`` images: their mean, and the interval (level 0.9) in which
    the FID of ``block`` further images falls. Subsets of share f overlap, so they vary 1 - f times
    as much as independent sets; and their mean has an error of its own, f times as large. So the
    spread is widened by the root of (1 + f) / (1 - f).

    Returns:
        ``None`` for fewer than ``block`` images; no interval for fewer than twice as many.
    """
    if count < block:
        return None
    if count == block:
        return fid(torch.arange(count)), None
    generator = torch.Generator().manual_seed(0)
    draws = [fid(torch.randperm(count, generator=generator)[:block]) for _ in range(RESAMPLES)]
    value = sum(draws) / len(draws)
    if count < 2 * block:
        return value, None
    low, high = _spread(draws)
    stretch = math.sqrt((1 + block / count) / (1 - block / count))
    return value, (_not_below(lowest, value + stretch * low), value + stretch * high)


def upper_bound(difference: Fid, count: int) -> float:
    """One-sided 95 % bound of the difference of two FIDs of the same prompts and noise.

    Both FIDs of a draw are of the same images, so what the draw does to both cancels, and the
    bound lies far closer than that of either FID. As in :func:`interval`, the spread around the
    median of the draws is moved to the difference of all images. The upper end of the two-sided
    level 0.9 is the one-sided level 0.95.
    """
    generator = torch.Generator().manual_seed(0)
    draws = [
        difference(torch.randint(count, (count,), generator=generator)) for _ in range(RESAMPLES)
    ]
    return difference(torch.arange(count)) + _spread(draws)[1]


def _not_below(lowest: float | None, value: float) -> float:
    return value if lowest is None else max(value, lowest)


def _spread(draws: list[float]) -> tuple[float, float]:
    """Distances from the median to the two ends at :data:`LEVEL`."""
    levels = torch.tensor([(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2], dtype=torch.double)
    low, middle, high = torch.tensor(draws, dtype=torch.double).quantile(levels).tolist()
    return low - middle, high - middle
