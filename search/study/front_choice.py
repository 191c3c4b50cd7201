"""Which trials are on the front, and which of them represent it."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dato import Schedule
from search.metrics import WORSE, metric
from search.pareto import non_dominated
from search.records.members import member_interval, member_names
from search.records.progress import metric_value
from search.records.record import FrontMember, Quality, TrialRecord
from search.study.trial_records import objectives

if TYPE_CHECKING:  # a front is shown without torch
    from search.study.evaluator import Evaluator


APART = 1.25
"""Speed-up of one audited member over the next slower one, around the fastest good one."""

SLOWER = 3
"""Good members that are audited behind the fastest one, at most."""


def front_of(records: Sequence[TrialRecord], objective: str) -> tuple[FrontMember, ...]:
    """The non-dominated complete records that keep the study's constraints, slowest first, named by
    their priced speed-up. The unpatched pipeline is not a member.
    """
    complete = [record for record in records if record.state == "complete" and record.feasible]
    points = [objectives(record, objective) for record in complete]
    kept = [complete[index] for index in non_dominated(points)]
    kept = [record for record in kept if record.schedule and not record.run.is_unpatched]
    kept.sort(key=lambda record: -(record.latency_s or 0.0))
    names = member_names([record.speedup or 1.0 for record in kept])
    return tuple(FrontMember(name, record) for name, record in zip(names, kept, strict=True))


def spread(front: Sequence[FrontMember], count: int) -> tuple[int, ...]:
    """Indices of at most ``count`` members, both ends among them, even in log speed-up."""
    if len(front) <= count:
        return tuple(range(len(front)))
    logs = [math.log(member.record.speedup or 1.0) for member in front]
    low, high = logs[0], logs[-1]
    targets = [low + (high - low) * step / max(count - 1, 1) for step in range(count)]
    chosen: list[int] = []
    for target in targets:
        free = (index for index in range(len(front)) if index not in chosen)
        chosen.append(min(free, key=lambda index: abs(logs[index] - target)))
    return tuple(sorted(chosen))


def to_audit(
    front: Sequence[FrontMember],
    unpatched: Quality | None,
    count: int,
    dominated: Collection[int] = (),
) -> tuple[int, ...]:
    """Indices of at most ``count`` members: around the fastest at no worse FID to real images, and
    the others as :func:`spread`.

    That FID is the search's here, and the audit's bound will lie above it. So half of what a bound
    is allowed counts as no worse, slower members stand ready, and the next faster one is audited
    too.

    Args:
        unpatched: the unpatched pipeline's quality in the search.
        dominated: members that a rival dominates. They are not looked for: damaged images spread
            less, and the fewer they are, the more that flatters their FID to real images.
    """
    even = spread(front, count)
    real = metric_value(unpatched, "fid_real")
    values = [metric_value(member.record.quality, "fid_real") for member in front]
    if real is None:
        return even
    limit = real * (1 + WORSE / 2)
    good = [
        place
        for place, value in enumerate(values)
        if value is not None and value <= limit and place not in dominated
    ]
    around = [good[-1], min(good[-1] + 1, len(front) - 1), *_slower(front, good)] if good else []
    return tuple(sorted([*dict.fromkeys([*around, *reversed(even)])][:count]))


def _slower(front: Sequence[FrontMember], good: Sequence[int]) -> list[int]:
    """Some of the ``good`` places behind the last one, each :data:`APART` slower than the next."""
    found = [good[-1]]
    for place in reversed(good):
        speedups = [front[own].record.speedup or 1.0 for own in (found[-1], place)]
        if speedups[0] >= APART * speedups[1] and len(found) <= SLOWER:
            found.append(place)
    return found[1:]


def baseline_record(
    records: Sequence[TrialRecord], evaluator: Evaluator, calls: int
) -> TrialRecord:
    """The unpatched pipeline's record: that of its trial, or one of the reference images."""
    for record in records:
        if record.state == "complete" and record.schedule and record.run.is_unpatched:
            return record
    record = TrialRecord(number=0, state="complete", origin="baseline", params={})
    return replace(
        evaluator.price(record, Schedule.full(calls)),
        distance=0.0,
        quality=evaluator.meter.unpatched(),
    )


def still_on_front(members: Sequence[FrontMember], objective: str) -> tuple[FrontMember, ...]:
    """The members, each with the name of a member that beats it beyond its interval, if one does.

    An audited member beats another if it was timed no slower and its FID (or other minimised
    metric) is better than the whole interval of the other. All intervals come from the same
    resampled images, so noise that all members share does not count.
    """

    known = metric(objective)

    def beaten_by(member: FrontMember) -> str:
        interval = member_interval(member, objective)
        if interval is None or member.speedup is None:
            return ""
        best = interval[1] if known.higher else interval[0]
        rivals = [
            (known.loss(value), rival)
            for rival in members
            if rival.heldout is not None
            and rival.speedup is not None
            and rival.speedup >= member.speedup
            and (value := rival.heldout.value(objective)) is not None
            and known.better(value, best)
        ]
        return min(rivals, key=lambda item: item[0])[1].name if rivals else ""

    return tuple(
        member
        if member.audit is None
        else replace(member, audit=replace(member.audit, beaten_by=beaten_by(member)))
        for member in members
    )
