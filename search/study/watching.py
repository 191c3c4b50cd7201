"""Who watches long work, and what each of them is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from search.records.record import TrialRecord
from search.study.budget import Spent


class StageWatcher(Protocol):
    """Watches work without trials of its own."""

    def stage(self, text: str) -> None:
        """The work has moved on to ``text``."""
        ...


class SweepWatcher(StageWatcher, Protocol):
    """Watches a sweep: a live board, plain lines, or nothing."""

    def search(self, earlier: Sequence[TrialRecord]) -> None:
        """Trials begin; a resumed study has ``earlier`` ones."""
        ...

    def trial(self, record: TrialRecord, spent: Spent) -> None:
        """A trial was recorded; ``spent`` is what all trials of the study used."""
        ...


class PlainStages:
    """Prints each stage as a line."""

    def stage(self, text: str) -> None:
        print(text, flush=True)
