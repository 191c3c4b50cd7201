"""How much farther from the reference a schedule must be before its FID need not be asked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from search.record import TrialRecord
from search.study.records import objectives

ENOUGH = 12
"""Complete trials, different in distance, from which a margin is learnt."""

SIGMAS = 1.0
"""Standard deviations that the margin spans. On the recorded study (experiments/search/rungs.py)
one costs a negligible part of the hypervolume; two hardly prune."""

MAD = 1.4826
"""Standard deviation of a normal distribution, in median absolute deviations."""


def learned_margin(finished: Sequence[TrialRecord], objective: str, otherwise: float) -> float:
    """Ratio of two distances above which their order is taken for the order of the FIDs.

    log FID follows log distance along a line. Of trials that are neighbours in distance, what the
    FIDs differ by beside the line is the noise of judging by the distance (few images, another
    metric); a ratio that stands out of it by :data:`SIGMAS` is believed. The median over
    neighbours leaves out the few that something else drives.

    Args:
        finished: all records; the complete ones tell the noise.
        objective: which FID is minimised.
        otherwise: the margin while fewer than :data:`ENOUGH` tell it.

    Returns:
        at least 1; infinite where the FID does not rise with the distance.
    """
    pairs = {
        record.distance: objectives(record, objective)[0]
        for record in finished
        if record.state == "complete" and record.distance
    }
    points = sorted((math.log(d), math.log(fid)) for d, fid in pairs.items() if fid > 0)
    if len(points) < ENOUGH:
        return otherwise
    distances, fids = np.array(points).T
    slope = float(np.polyfit(distances, fids, 1)[0])
    if slope <= 0:
        return math.inf
    beside = np.diff(fids) - slope * np.diff(distances)
    noise = MAD * float(np.median(np.abs(beside - np.median(beside))))
    return math.exp(min(SIGMAS * noise / slope, 100.0))
