"""How much worse on few images a schedule must be before its FID on all need not be asked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

ENOUGH = 12
"""Different complete trials from which a margin is learnt."""

SIGMAS = 2.0
"""Standard deviations that the margin spans; see experiments/search/rungs.py for what it prunes
and loses on recorded trials."""

MAD = 1.4826
"""Standard deviation of a normal distribution, in median absolute deviations."""


def learned_margin(losses: Sequence[tuple[float, float]], otherwise: float) -> float:
    """Ratio of two first-rung FIDs above which their order is taken for that of the final ones.

    The logarithms follow a line. Of trials that are neighbours on the first rung, what the final
    FIDs differ by beside the line is the noise of having seen few images; a ratio that stands out
    of it by :data:`SIGMAS` is believed. The median over neighbours leaves out the few that
    something else drives.

    Args:
        losses: FID on the first rung and on all images, of complete trials.
        otherwise: the margin while fewer than :data:`ENOUGH` tell it.

    Returns:
        at least 1; infinite where the final FID does not rise with the first rung's.
    """
    points = sorted({(math.log(few), math.log(all_)) for few, all_ in losses if few > 0 < all_})
    if len(points) < ENOUGH:
        return otherwise
    first, final = np.array(points).T
    slope = float(np.polyfit(first, final, 1)[0])
    if slope <= 0:
        return math.inf
    beside = np.diff(final) - slope * np.diff(first)
    noise = MAD * float(np.median(np.abs(beside - np.median(beside))))
    return math.exp(min(SIGMAS * noise / slope, 100.0))
