"""The audited members of an unfinished audit, on disk: a killed audit goes on from there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from search.records.files import members_from_json, members_to_json
from search.records.front import FrontMember


@dataclass
class FileAuditCheckpoint:
    """Audited members in one file, which is written anew after each.

    Args:
        path: one file for each set of held-out images.
    """

    path: Path

    def find(self, member: FrontMember) -> FrontMember | None:
        """The member with what an earlier run measured of its images, or ``None``.

        Its name, price and timing are the present ones.
        """
        for known in self._members():
            if known.record.run == member.record.run:
                return FrontMember(
                    member.name,
                    member.record,
                    heldout=known.heldout,
                    interval=known.interval,
                    audit=known.audit,
                )
        return None

    def keep(self, member: FrontMember) -> None:
        """Add one member."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        members_to_json((*self._members(), member), self.path)

    def _members(self) -> tuple[FrontMember, ...]:
        return members_from_json(self.path) if self.path.is_file() else ()
