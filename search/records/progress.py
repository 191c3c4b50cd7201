"""How the front grew: its size and hypervolume after each trial."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from search.metrics import FIDS, metric
from search.pareto import hypervolume, non_dominated
from search.records.quality import Quality, loss_of
from search.records.record import TrialRecord

Point = tuple[float, float]


def metric_value(quality: Quality | None, name: str) -> float | None:
    """The value of any metric by its name; ``None`` where it was not measured."""
    return None if quality is None else quality.value(name)


def point(record: TrialRecord, objective: str) -> Point | None:
    """(loss, seconds per image) of a complete trial; ``None`` for every other trial."""
    value = loss_of(record.quality, objective)
    if record.state != "complete" or value is None or record.latency_s is None:
        return None
    return value, record.latency_s


@dataclass(frozen=True)
class FrontAfterTrial:
    """The size and hypervolume of the front after one trial.

    Args:
        trial: trial number.
        size: number of non-dominated trials so far.
        hypervolume: share of the box (0..worst loss) x (0..baseline latency) that the front
            dominates, from 0 to 1; ``None`` before the baseline completed, and for a metric of
            which no worst value is known.
        cost: of all trials so far, in images of the unpatched model
            (:attr:`search.records.record.TrialRecord.cost`).
    """

    trial: int
    size: int
    hypervolume: float | None
    cost: float = 0.0


class Progress:
    """Follows a study trial by trial.

    The baseline fixes the box, so that the curve only grows. For an FID the box reaches to twice
    the baseline's FID to real images where that is known, else to the metric's worst loss.

    Args:
        objective: name of the metric that is minimised.
    """

    def __init__(self, objective: str) -> None:
        self._objective = objective
        self._front: list[Point] = []
        self._box: Point | None = None
        self._cost = 0.0

    def add(self, record: TrialRecord) -> FrontAfterTrial:
        """The front after ``record``."""
        measured = point(record, self._objective)
        self._cost += record.cost
        if measured is not None:
            if record.feasible:
                points = [*self._front, measured]
                self._front = [points[index] for index in non_dominated(points)]
            limit = _limit(record, self._objective)
            if self._box is None and limit is not None and is_baseline(record):
                self._box = (limit, measured[1])
        return FrontAfterTrial(record.number, len(self._front), self._share(), self._cost)

    def _share(self) -> float | None:
        if self._box is None:
            return None
        inside = [p for p in self._front if p[0] < self._box[0] and p[1] < self._box[1]]
        return hypervolume(inside, self._box) / math.prod(self._box) if inside else 0.0


def is_baseline(record: TrialRecord) -> bool:
    """Whether a trial ran the plain pipeline, whoever proposed it."""
    if record.schedule is None:
        return record.origin == "baseline"
    return record.run.is_unpatched


def _limit(baseline: TrialRecord, objective: str) -> float | None:
    real = metric_value(baseline.quality, "fid_real")
    return 2 * real if real and objective in FIDS else metric(objective).worst


def progress(records: Iterable[TrialRecord], objective: str) -> Sequence[FrontAfterTrial]:
    """The front after each trial of a study."""
    follower = Progress(objective)
    return tuple(follower.add(record) for record in records)
