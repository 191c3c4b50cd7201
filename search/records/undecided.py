"""The member that more held-out images may show to be no worse."""

from __future__ import annotations

import math

from search.metrics import WORSE
from search.records.front import FrontMember
from search.records.headline import headline, is_dominated
from search.records.members import Worse, is_audited, worse_by
from search.records.result import StudyResult

MORE = 4
"""How many times as many images tell: the bound then lies half as far from the estimate."""


def undecided(result: StudyResult) -> FrontMember | None:
    """The fastest audited member that is faster than the headline's and not shown to be no worse,
    but may be: the unpatched FID lies within the interval of its own, and :data:`MORE` times as
    many images would tell, if its FID is the unpatched one or as far below as it looks."""
    first = headline(result).member
    least = 0.0 if first is None else _timed(first)
    open_ones = [
        member
        for member in result.front
        if is_audited(member)
        and _timed(member) > least
        and _may_be(worse_by(member, result.baseline))
        and not is_dominated(member, result)
    ]
    return max(open_ones, key=_timed, default=None)


def undecided_text(result: StudyResult) -> str:
    """A sentence about it; empty where there is none, or where no member was shown to be no worse,
    which the headline says."""
    member = undecided(result)
    if member is None or member.heldout is None or headline(result).member is None:
        return ""
    images = member.heldout.images
    return (
        f"{member.name} may be no worse too: {worse_by(member, result.baseline)}, where less than "
        f"{WORSE:.1%} counts. {images} images do not tell; {MORE * images} may."
    )


def _may_be(worse: Worse | None) -> bool:
    if worse is None or worse.allowed:
        return False
    apart = worse.bound - worse.estimate
    told = min(worse.estimate, 0.0) + apart / math.sqrt(MORE)
    return worse.estimate < apart and told < WORSE


def _timed(member: FrontMember) -> float:
    return member.timed_speedup or 0.0
