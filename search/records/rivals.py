"""The front beside its rivals: who dominates whom, and what is gained over fewer steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from search.pareto import non_dominated
from search.records.front import FrontMember
from search.records.quality import Quality, loss_of
from search.records.result import StudyResult
from search.records.rival import Rival
from search.records.timesteps import Timesteps


@dataclass(frozen=True)
class Gain:
    """How much faster a member is than fewer steps at the same metric.

    Args:
        times: the member's speed-up over that of the rivals; below 1 they are faster.
        least: whether it is only known to be at least that much, because every measured rival is
            worse. ``most``: at most, because every one is as good.
        rivals: that it is taken from: the next better one and the next worse one.
    """

    times: float
    least: bool = False
    most: bool = False
    rivals: tuple[Rival, ...] = ()

    @property
    def quotable(self) -> bool:
        """Whether it says that the member is faster than fewer steps at the same metric."""
        return self.times > 1 and not self.most

    @property
    def beside(self) -> str:
        """The names of its rivals."""
        return " and ".join(rival.name for rival in self.rivals)

    def __str__(self) -> str:
        bound = "at least " if self.least else "at most " if self.most else ""
        return f"{bound}{self.times:.1f}"


@dataclass(frozen=True)
class _Point:
    """Something that makes images: how fast, and the loss of the study's metric."""

    speedup: float
    loss: float
    rival: Rival | None = None

    def beats(self, other: _Point) -> bool:
        """Whether it is no slower and no worse, and one of both is better."""
        return (
            self.speedup >= other.speedup
            and self.loss <= other.loss
            and (self.speedup, self.loss) != (other.speedup, other.loss)
        )


def with_better_settings(rivals: Sequence[Rival], objective: str) -> tuple[Rival, ...]:
    """Of the rivals that differ in their settings alone, the one of the best images of the search:
    what a sampler is worth is what it can do, not what a study's settings make of it."""
    best: dict[tuple[str, int, Timesteps], Rival] = {}
    for rival in rivals:
        key, loss = _but_settings(rival), loss_of(rival.quality, objective)
        known = loss_of(best[key].quality, objective) if key in best else None
        if key not in best or (loss is not None and (known is None or loss < known)):
            best[key] = rival
    return tuple(best.values())


def _but_settings(rival: Rival) -> tuple[str, int, Timesteps]:
    return rival.scheduler, rival.steps, rival.timesteps


def best_rivals(rivals: Sequence[Rival], objective: str) -> tuple[Rival, ...]:
    """The rivals that no other one dominates on the images of the search, slowest first."""
    known = [(rival, loss_of(rival.quality, objective)) for rival in rivals]
    scored = [(rival, loss) for rival, loss in known if loss is not None]
    kept = non_dominated([(loss, rival.latency_s) for rival, loss in scored])
    return tuple(sorted((scored[index][0] for index in kept), key=lambda each: -each.latency_s))


def dominating_rival(member: FrontMember, result: StudyResult) -> Rival | None:
    """The rival of the best metric among those that are no slower and no worse than the member;
    ``None`` where there is none.

    Held-out images and timed speed-ups count where the member has them, else those of the search
    and of the cost table.
    """
    subject, points = _beside(member, result)
    better = [] if subject is None else [point for point in points if point.beats(subject)]
    return min(better, key=lambda point: point.loss).rival if better else None


def dominated_in_search(member: FrontMember, rivals: Sequence[Rival], objective: str) -> bool:
    """Whether some rival dominates the member on the images of the search, by the cost table."""
    record = member.record
    loss = loss_of(record.quality, objective)
    if loss is None or record.speedup is None:
        return False
    subject = _Point(record.speedup, loss)
    return any(
        _Point(rival.priced_speedup, other).beats(subject)
        for rival in rivals
        if (other := loss_of(rival.quality, objective)) is not None
    )


def gain(member: FrontMember, result: StudyResult) -> Gain | None:
    """How much faster the member is than fewer steps at the same metric; ``None`` where no rival
    was measured. Between two rivals, the speed-up at which fewer steps would have that metric is
    interpolated."""
    subject, points = _beside(member, result)
    if subject is None or not points:
        return None
    kept = non_dominated([(point.loss, -point.speedup) for point in points])
    curve = [points[index] for index in kept]  # the better, the slower
    good = [point for point in curve if point.loss <= subject.loss]
    worse = [point for point in curve if point.loss > subject.loss]
    if not good:
        return Gain(subject.speedup / worse[0].speedup, least=True, rivals=_rivals(worse[0]))
    if not worse:
        return Gain(subject.speedup / good[-1].speedup, most=True, rivals=_rivals(good[-1]))
    low, high = good[-1], worse[0]
    share = (subject.loss - low.loss) / (high.loss - low.loss)
    log = (1 - share) * math.log(low.speedup) + share * math.log(high.speedup)
    return Gain(subject.speedup / math.exp(log), rivals=_rivals(low, high))


def _rivals(*points: _Point) -> tuple[Rival, ...]:
    return tuple(point.rival for point in points if point.rival is not None)


def exported(result: StudyResult, dominated: bool) -> tuple[FrontMember, ...]:
    """The members of the front that become presets.

    Args:
        dominated: also those that a rival dominates.
    """
    return tuple(
        member for member in result.front if dominated or dominating_rival(member, result) is None
    )


def _beside(member: FrontMember, result: StudyResult) -> tuple[_Point | None, list[_Point]]:
    """The member and the rivals, measured alike."""
    objective = result.objective
    heldout = [rival for rival in result.rivals if _same(rival.heldout, member.heldout)]
    rivals = heldout or result.rivals
    timed = member.timing is not None and all(rival.timing is not None for rival in rivals)
    loss = loss_of(member.heldout if heldout else member.record.quality, objective)
    speedup = member.timed_speedup if timed else member.priced_speedup
    points = [
        _Point(faster, value, rival)
        for rival in rivals
        if (value := loss_of(rival.heldout if heldout else rival.quality, objective)) is not None
        and (faster := rival.timed_speedup if timed else rival.priced_speedup) is not None
    ]
    return (None if loss is None or speedup is None else _Point(speedup, loss)), points


def _same(first: Quality | None, second: Quality | None) -> bool:
    """Whether both were measured, on as many images: others never compare."""
    return first is not None and second is not None and first.images == second.images
