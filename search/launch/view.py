"""What a running study tells whoever watches it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from search.record import TrialRecord
from search.study.budget import Spent


class View(Protocol):
    """A live board, plain lines, or nothing."""

    def stage(self, text: str) -> None:
        """The study has moved on to ``text``."""
        ...

    def search(self, earlier: Sequence[TrialRecord]) -> None:
        """Trials begin; a resumed study has ``earlier`` ones."""
        ...

    def trial(self, record: TrialRecord, spent: Spent) -> None:
        """A trial was told; ``spent`` is what all trials of the study used."""
        ...
