"""Which members of a front are audited, one after another, each known before the next is chosen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from search.records.front import FrontMember
from search.records.members import no_worse
from search.records.progress import metric_value
from search.study.front_choice import spread


class AuditChoice(Protocol):
    """Chooses members of a front, which is ordered by speed, the slowest first."""

    def most(self, members: Sequence[FrontMember]) -> int:
        """How many members are audited at most."""
        ...

    def next_of(self, members: Sequence[FrontMember], baseline: FrontMember) -> int | None:
        """The place of the member to audit next, or ``None`` if there were enough.

        Args:
            members: with the audits made so far.
            baseline: the unpatched pipeline on held-out images.
        """
        ...


@dataclass(frozen=True)
class OfTrials:
    """Audits the members of some trials, in the order of the front."""

    trials: Collection[int]

    def most(self, members: Sequence[FrontMember]) -> int:
        """See :class:`AuditChoice`."""
        return sum(member.record.number in self.trials for member in members)

    def next_of(self, members: Sequence[FrontMember], baseline: FrontMember) -> int | None:
        """See :class:`AuditChoice`."""
        return next(
            (
                place
                for place, member in enumerate(members)
                if member.heldout is None and member.record.number in self.trials
            ),
            None,
        )


@dataclass(frozen=True)
class FastestNoWorse:
    """Looks for the fastest member whose FID to real images is no worse, then for others.

    The first search halves the part of the front that can still hold that member, with each audit:
    at a tuned member where the part has one, because tuning is for such members. The audits that
    are left go to members that are spread over the speed-ups
    (:func:`search.study.front_choice.spread`); without real images, all do.

    Args:
        count: members that are audited at most.
        dominated: members that a rival dominates; they are not looked for.
    """

    count: int
    dominated: Collection[int] = ()

    def most(self, members: Sequence[FrontMember]) -> int:
        """See :class:`AuditChoice`."""
        return min(self.count, len(members))

    def next_of(self, members: Sequence[FrontMember], baseline: FrontMember) -> int | None:
        """See :class:`AuditChoice`."""
        done = [place for place, member in enumerate(members) if member.heldout is not None]
        if len(done) >= self.most(members):
            return None
        undecided = self._undecided(members, baseline, done)
        if undecided and metric_value(baseline.heldout, "fid_real") is not None:
            tuned = [place for place in undecided if members[place].record.tuned_from is not None]
            part = tuned or undecided
            return part[len(part) // 2]
        order: list[int] = [*reversed(spread(members, self.count)), *range(len(members))]
        return next(place for place in order if place not in done)

    def _undecided(
        self, members: Sequence[FrontMember], baseline: FrontMember, done: Sequence[int]
    ) -> list[int]:
        """The part of the front that can still hold the fastest member that is no worse.

        It begins behind the fastest audited member that is no worse, and ends before the next
        audited one, which is worse.
        """
        wanted = [place for place in range(len(members)) if place not in self.dominated]
        good = [place for place in done if place in wanted and no_worse(members[place], baseline)]
        low = max(good, default=-1)
        high = min((place for place in done if place > low and place in wanted), default=None)
        return [place for place in wanted if low < place and (high is None or place < high)]
