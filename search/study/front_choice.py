"""Which trials are on the front, and which of them represent it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dato import Schedule
from search.metrics import metric
from search.pareto import non_dominated
from search.records.front import FrontMember
from search.records.members import member_interval, named
from search.records.record import TrialRecord
from search.study.trial_records import objectives

if TYPE_CHECKING:  # a front is shown without torch
    from search.study.evaluator import Evaluator


def front_of(records: Sequence[TrialRecord], objective: str) -> tuple[FrontMember, ...]:
    """The non-dominated complete records that keep the study's constraints, slowest first, named by
    their priced speed-up. The unpatched pipeline is not a member.
    """
    complete = [record for record in records if record.state == "complete" and record.feasible]
    points = [objectives(record, objective) for record in complete]
    kept = [complete[index] for index in non_dominated(points)]
    kept = [record for record in kept if record.schedule and not record.run.is_unpatched]
    kept.sort(key=lambda record: -(record.latency_s or 0.0))
    return named([FrontMember("", record) for record in kept])


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
        if interval is None or member.timed_speedup is None:
            return ""
        best = interval[1] if known.higher else interval[0]
        rivals = [
            (known.loss(value), rival)
            for rival in members
            if rival.heldout is not None
            and rival.timed_speedup is not None
            and rival.timed_speedup >= member.timed_speedup
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
