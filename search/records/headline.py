"""The headline of a study: one rule for the terminal, the report, cards, W&B and the README."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from search.records.front import FrontMember
from search.records.knee import at_knee
from search.records.members import is_audited, worse_by
from search.records.quality import loss_of
from search.records.result import StudyResult
from search.records.rivals import dominating_rival, gain

Lack = Literal["", "front", "audit", "undominated", "real", "no worse"]
"""What a study without a headline lacks: a front, an audited and timed member, one of those that
nothing dominates, an FID to real images, a bound within the limit."""


@dataclass(frozen=True)
class Headline:
    """What a study says first.

    Args:
        member: the fastest member that is audited, timed, not dominated by a rival or by another
            member, and shown to be no worse than the unpatched model; ``None`` where there is none.
        nearest: the member that comes nearest to that where ``member`` is ``None``. It is audited,
            timed and not dominated too.
        lack: what is missing where ``member`` is ``None``.
    """

    member: FrontMember | None = None
    nearest: FrontMember | None = None
    lack: Lack = ""

    @property
    def subject(self) -> FrontMember | None:
        """The member that all sentences are about."""
        return self.member or self.nearest


def headline(result: StudyResult) -> Headline:
    """The headline of a study."""
    audited = [member for member in result.front if is_audited(member)]
    if not audited:
        return Headline(lack="audit" if result.front else "front")
    good = [member for member in audited if not is_dominated(member, result)]
    if not good:
        return Headline(lack="undominated")
    judged = [
        (worse, member)
        for member in good
        if (worse := worse_by(member, result.baseline)) is not None
    ]
    if not judged:
        return Headline(nearest=_nearest(good, result), lack="real")
    shown = [member for worse, member in judged if worse.allowed]
    if shown:
        return Headline(max(shown, key=_timed))
    return Headline(nearest=min(judged, key=lambda item: item[0].bound)[1], lack="no worse")


def is_dominated(member: FrontMember, result: StudyResult) -> bool:
    """Whether a rival or another member is no slower and no worse than an audited member, and
    better in one of both."""
    return (
        dominating_rival(member, result) is not None
        or dominating_member(member, result) is not None
    )


def dominating_member(member: FrontMember, result: StudyResult) -> FrontMember | None:
    """The member of the best metric among the audited ones that dominate an audited member."""
    better = [each for each in result.front if _dominates(each, member, result.objective)]
    return min(
        better, key=lambda each: loss_of(each.heldout, result.objective) or 0.0, default=None
    )


def _dominates(one: FrontMember, other: FrontMember, objective: str) -> bool:
    if not is_audited(one) or not is_audited(other) or _images(one) != _images(other):
        return False
    losses = loss_of(one.heldout, objective), loss_of(other.heldout, objective)
    if losses[0] is None or losses[1] is None:
        return False
    faster, better = _timed(one) - _timed(other), losses[1] - losses[0]
    return min(faster, better) >= 0 and max(faster, better) > 0


def _images(member: FrontMember) -> int | None:
    """FIDs of different counts never compare."""
    return None if member.heldout is None else member.heldout.images


def _nearest(members: Sequence[FrontMember], result: StudyResult) -> FrontMember:
    """The member that gains most over fewer steps, or the knee where no rival was measured."""
    gains = [(over.times, each) for each in members if (over := gain(each, result)) is not None]
    if gains:
        return max(gains, key=lambda item: item[0])[1]
    judged = [
        (member, loss, 1 / _timed(member))
        for member in members
        if (loss := loss_of(member.heldout, result.objective)) is not None
    ]
    return at_knee(judged) or max(members, key=_timed)


def _timed(member: FrontMember) -> float:
    assert member.timed_speedup is not None
    return member.timed_speedup
