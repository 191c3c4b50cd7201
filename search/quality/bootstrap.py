"""Intervals of FIDs and other metrics from resampled images."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

Fid = Callable[[Tensor], float]
"""FID, or another metric, of the images with the given indices."""

RESAMPLES = 200
LEVEL = 0.9
HALVINGS = 20
"""Random halves of all images that an extrapolation is averaged over."""


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

    Differences are extrapolated: FIDs of few images are too high, and less so for images whose
    features spread less. On pocket that made images with washed-out colours seem 4 % better than
    the unpatched ones (``experiments/forecast/no_worse.py``).
    """
    generator = torch.Generator().manual_seed(0)
    more = partial(extrapolated, difference)
    draws = [more(torch.randint(count, (count,), generator=generator)) for _ in range(RESAMPLES)]
    orders = [torch.randperm(count, generator=generator) for _ in range(HALVINGS)]
    return sum(map(more, orders)) / HALVINGS + _spread(draws)[1]


def extrapolated(fid: Fid, draw: Tensor) -> float:
    """An FID of infinitely many images, from that of a draw and those of its halves: its bias is in
    proportion to one over their number (arXiv 1911.07023). Halves of one image have no FID; then it
    is the draw's own."""
    half = len(draw) // 2
    if half < 2:
        return fid(draw)
    return 2 * fid(draw) - (fid(draw[:half]) + fid(draw[half:])) / 2


def _not_below(lowest: float | None, value: float) -> float:
    return value if lowest is None else max(value, lowest)


def _spread(draws: list[float]) -> tuple[float, float]:
    """Distances from the median to the two ends at :data:`LEVEL`."""
    levels = torch.tensor([(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2], dtype=torch.double)
    low, middle, high = torch.tensor(draws, dtype=torch.double).quantile(levels).tolist()
    return low - middle, high - middle
