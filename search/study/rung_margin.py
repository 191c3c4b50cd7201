"""How much worse on few images a schedule must be so that its FID on all is not measured."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

ENOUGH = 12
"""A margin is learnt from at least this many different complete trials."""

SIGMAS = 2.0
"""Standard deviations that the margin spans. On the trials of ``experiments/search`` two of them
stop 251 of 360, and none of the 50 on the fronts."""

MAD = 1.4826
"""Standard deviation of a normal distribution, in median absolute deviations."""


def learned_margin(losses: Sequence[tuple[float, float]], otherwise: float) -> float:
    """Ratio of two first-rung FIDs above which their order counts as that of the final FIDs.

    The logarithms follow a line. For trials that are neighbours on the first rung, the differences
    of the final FIDs from that line are the noise of few images. The margin is :data:`SIGMAS` of
    this noise. Its estimate is a median, so a few trials with other causes do not matter.

    Args:
        losses: FID on the first rung and on all images, of complete trials.
        otherwise: the margin while there are fewer than :data:`ENOUGH` trials.

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
