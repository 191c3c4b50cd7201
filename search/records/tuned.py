"""Which trials tuning can begin from, and what it made of them. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from search.metrics import metric
from search.records.front import FrontMember
from search.records.progress import metric_value
from search.records.record import TrialRecord
from search.records.result import StudyResult


def is_tunable(record: TrialRecord) -> bool:
    """Whether a trial computes fewer calls than the unpatched model, and those in full: then it is
    a sampler, whose numbers can be tuned. A cut computes neither all nor nothing."""
    schedule = record.schedule
    if schedule is None or record.tuned_from is not None:
        return False
    depths = [schedule.kind(call).depth for call in range(schedule.calls)]
    fewer = depths.count("full") < (record.unpatched_calls or schedule.calls)
    return fewer and set(depths) <= {0, "full"}


def before_tuning(record: TrialRecord, records: Sequence[TrialRecord]) -> TrialRecord | None:
    """The trial that a tuned one comes from; ``None`` where it is not tuned, or its trial is not
    among ``records``."""
    if record.tuned_from is None:
        return None
    number = record.tuned_from.trial
    return next((each for each in records if each.number == number), None)


def tuned_text(member: FrontMember, result: StudyResult) -> str:
    """What tuning made of a member's schedule; empty where it is not tuned."""
    before = before_tuning(member.record, result.records)
    if before is None:
        return ""
    return (
        f"{member.name} is trial {before.number} with timesteps and weights of its own, tuned"
        f"{_gained(before, member.record, result.objective)}."
    )


def left_out_text(record: TrialRecord, records: Sequence[TrialRecord]) -> str:
    """Why a tuned trial is no member of the front."""
    if record.lost:
        return ""
    if record.state != "complete":
        return f"No tuned sampler: {record.reason.rstrip('.')}."
    before = before_tuning(record, records)
    name = "one" if before is None else f"trial {before.number}"
    return f"Tuning {name} gave trial {record.number}, which is not on the front."


def _gained(before: TrialRecord, after: TrialRecord, objective: str) -> str:
    values = [metric_value(each.quality, objective) for each in (before, after)]
    if after.quality is None or values[0] is None or values[1] is None:
        return ""
    return (
        f": {metric(objective).title} {values[0]:.4g} before, {values[1]:.4g} after, on "
        f"{after.quality.images_text('images of the search')}"
    )
