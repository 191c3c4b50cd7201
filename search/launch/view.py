"""What a running study tells whoever watches it."""

from __future__ import annotations

from typing import Protocol

from search.record import TrialRecord


class View(Protocol):
    """A progress bar, plain lines, or nothing."""

    def stage(self, text: str) -> None:
        """The study has moved on to ``text``."""
        ...

    def trial(self, record: TrialRecord, done: int) -> None:
        """A trial was told; ``done`` trials are finished in all."""
        ...
