"""Which trials are worth tuning."""

from __future__ import annotations

from collections.abc import Sequence

from search.metrics import WORSE
from search.records.front import FrontMember
from search.records.knee import at_knee, scored
from search.records.progress import is_baseline, metric_value
from search.records.record import TrialRecord
from search.records.tuned import is_tunable
from search.study.front_choice import front_of

NEAR = 0.01
"""FID to the unpatched images, as a share of theirs to real ones, up to which images are near."""


def worth_tuning(
    records: Sequence[TrialRecord], objective: str, count: int
) -> tuple[TrialRecord, ...]:
    """The trials whose tuning may move what a study says first, at most ``count``.

    They are on the front of those that can be tuned and whose images are near the unpatched ones.
    First comes the fastest whose FID to real images looks no worse than the unpatched one, then the
    member at the knee. Those in between follow, the fastest before the others, because few images
    flatter the first, and then the faster neighbours of the first, which tuning may make good
    enough. Earlier tunings do not change the choice, so that a study that goes on after one chooses
    the same.
    """
    unpatched = next((each for each in records if is_baseline(each)), None)
    able = [each for each in records if is_tunable(each)]
    near = [each for each in able if _is_near(each, unpatched)]
    near = near or sorted(able, key=_distance)[:1]
    front = front_of(near, objective)
    if not front:
        return ()
    middle = at_knee(scored(front, objective))
    good = [member for member in front if _looks_no_worse(member, unpatched)]
    first = good[-1] if good else middle or front[-1]
    place, knee = front.index(first), front.index(middle or first)
    faster, slower = front[place + 1 :], reversed(front[:place])
    wanted = [first, front[knee], *reversed(front[knee + 1 : place]), *faster, *slower]
    chosen = {member.record.number: member.record for member in wanted}
    return tuple(chosen.values())[:count]


def _is_near(record: TrialRecord, unpatched: TrialRecord | None) -> bool:
    """Whether a trial's images are still the unpatched model's. Broken images may be as near to few
    real ones as these are."""
    real = None if unpatched is None else metric_value(unpatched.quality, "fid_real")
    return real is None or _distance(record) <= NEAR * real


def _distance(record: TrialRecord) -> float:
    """FID to the unpatched images; 0 where it was not measured."""
    return metric_value(record.quality, "fid_reference") or 0.0


def _looks_no_worse(member: FrontMember, unpatched: TrialRecord | None) -> bool:
    """By the images of the search, without an interval."""
    reals = [
        None if record is None else metric_value(record.quality, "fid_real")
        for record in (member.record, unpatched)
    ]
    return reals[0] is not None and reals[1] is not None and reals[0] <= reals[1] * (1 + WORSE)
