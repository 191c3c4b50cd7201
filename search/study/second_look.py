"""The front, looked at again: held-out prompts, end-to-end times, sample images."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dato import Schedule
from search.evaluate.generate import Images
from search.evaluate.latency import Compared, cost_table_errors
from search.evaluate.quality import QualityMeter
from search.export import member_names
from search.pareto import non_dominated
from search.record import FrontMember, TrialRecord
from search.study.evaluator import Evaluator, ImageSource, is_unpatched
from search.study.records import objectives


@dataclass(frozen=True)
class SecondLook:
    """Everything measured after the search.

    Args:
        baseline: the unpatched pipeline.
        front: non-dominated members, slowest first, named by speed-up.
        cost_table_error: mean relative error of priced against timed speed-ups.
        samples: first held-out images by member name, the baseline's under ``"unpatched"``.
    """

    baseline: FrontMember
    front: tuple[FrontMember, ...]
    cost_table_error: float | None
    samples: dict[str, Images]


def front_of(records: Sequence[TrialRecord], objective: str) -> tuple[FrontMember, ...]:
    """Non-dominated complete records that keep the study's constraints, slowest first, named by
    the cost table's speed-up.

    The unpatched pipeline is the reference of the table, not a member.
    """
    complete = [record for record in records if record.state == "complete" and record.feasible]
    points = [objectives(record, objective) for record in complete]
    kept = [complete[index] for index in non_dominated(points)]
    kept = [record for record in kept if record.schedule and not is_unpatched(record.schedule)]
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


@dataclass(frozen=True)
class Looker:
    """Takes the second look.

    Args:
        source: generates images; ``meter``: scores them on the held-out workload.
        evaluator: the search's, for its cost table and topology.
        time_together: times schedules end to end, interleaved with the unpatched pipeline.
        stage: told what is being done.
    """

    source: ImageSource
    meter: QualityMeter
    reference: Images
    evaluator: Evaluator
    time_together: Callable[[Sequence[Schedule]], Compared]
    stage: Callable[[str], None]

    def look(
        self,
        baseline: TrialRecord,
        front: Sequence[FrontMember],
        members: int,
        checks: Sequence[Schedule],
    ) -> SecondLook:
        """Look at ``members`` of the front, and time ``checks`` beside them.

        Args:
            baseline: the unpatched pipeline's record.
            checks: further schedules that the cost table is checked with.
        """
        chosen = spread(front, members)
        schedules = [_schedule(front[index]) for index in chosen]
        self.stage(f"timing {len(schedules)} front members end to end")
        compared = self.time_together([*schedules, *checks])
        errors = cost_table_errors(
            self.evaluator.table, self.evaluator.topology, [*schedules, *checks], compared
        )
        samples = {"unpatched": self.reference}
        looked = list(front)
        for place, index in enumerate(chosen):
            self.stage(f"held-out images of front member {place + 1} of {len(chosen)}")
            images = self.source.generate(schedules[place], range(self.meter.count), heldout=True)
            looked[index] = replace(
                front[index],
                heldout=self.meter.quality(images),
                interval=self.meter.interval(images),
                timing=compared.timings[place],
                speedup=compared.speedups[place],
            )
            samples[front[index].name] = images
        return SecondLook(
            baseline=FrontMember(
                "unpatched",
                baseline,
                heldout=self.meter.quality(self.reference),
                interval=self.meter.interval(self.reference),
                timing=compared.baseline,
                speedup=1.0,
            ),
            front=tuple(looked),
            cost_table_error=statistics.fmean(errors) if errors else None,
            samples=samples,
        )


def _schedule(member: FrontMember) -> Schedule:
    assert member.record.schedule is not None
    return member.record.schedule


def baseline_record(
    records: Sequence[TrialRecord], evaluator: Evaluator, reference: Images, calls: int
) -> TrialRecord:
    """The unpatched pipeline as a record: its trial, or made from the reference images."""
    for record in records:
        if record.state == "complete" and record.schedule and is_unpatched(record.schedule):
            return record
    record = TrialRecord(number=0, state="complete", origin="baseline", params={})
    return replace(
        evaluator.price(record, Schedule.full(calls)),
        distance=0.0,
        quality=evaluator.meter.quality(reference),
    )
