"""Which trials tuning can begin from. Imports no torch."""

from __future__ import annotations

from search.records.record import TrialRecord


def is_tunable(record: TrialRecord) -> bool:
    """Whether a trial's schedule skips calls and computes the others in full: then it is a sampler,
    whose numbers can be tuned. A cut computes neither all nor nothing."""
    schedule = record.schedule
    if schedule is None or schedule.tuned is not None:
        return False
    return {kind.depth for kind in schedule.kinds.values()} == {0, "full"}
