"""What an audit has finished, so that it need not begin again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from search.records.front import FrontMember


class AuditCheckpoint(Protocol):
    """Keeps the audited members, so that a killed audit goes on from there."""

    def find(self, member: FrontMember) -> FrontMember | None:
        """The member as it was audited before, or ``None``."""
        ...

    def keep(self, member: FrontMember) -> None:
        """Keep an audited member."""
        ...


@dataclass
class NoAuditCheckpoint:
    """Keeps nothing: an audit that is killed starts again."""

    def find(self, member: FrontMember) -> FrontMember | None:
        return None

    def keep(self, member: FrontMember) -> None:
        pass
