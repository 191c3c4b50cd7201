"""The member of a front at its knee."""

from __future__ import annotations

from collections.abc import Iterable

from search.pareto import knee
from search.records.front import FrontMember
from search.records.quality import loss_of

Scored = tuple[FrontMember, float, float]
"""A member, its loss, and its seconds per image."""


def scored(members: Iterable[FrontMember], objective: str) -> list[Scored]:
    """The members whose images were judged, as the search judged and priced them."""
    return [
        (member, loss, latency)
        for member in members
        if (loss := loss_of(member.record.quality, objective)) is not None
        and (latency := member.record.latency_s) is not None
    ]


def at_knee(members: Iterable[Scored]) -> FrontMember | None:
    """The member with most of the speed and little of the loss; ``None`` if there is none."""
    known = list(members)
    if not known:
        return None
    return known[knee([(latency, loss) for _, loss, latency in known])][0]
