"""What a tracker does, the one that does nothing, and the guard that keeps a study alive."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Protocol

from search.records.folder import StudyFolder
from search.records.record import StudyResult, TrialRecord


class Tracker(Protocol):
    """Follows one study. A trial is told once its result is stored; ``finish`` ends the run."""

    def start(self, *, name: str, config: Mapping[str, object], folder: StudyFolder) -> None:
        """Begin, or go on after an interruption. ``config`` is the resolved configuration."""
        ...

    def trial(self, record: TrialRecord) -> None:
        """One finished trial; a number that this session told before is ignored.

        A resumed study tells its earlier trials first, in order.
        """
        ...

    def finish(self, result: StudyResult, folder: StudyFolder) -> None:
        """The study's end: tables, plots, samples and presets from its folder."""
        ...


class NullTracker:
    """Tells nobody."""

    def start(self, *, name: str, config: Mapping[str, object], folder: StudyFolder) -> None:
        pass

    def trial(self, record: TrialRecord) -> None:
        pass

    def finish(self, result: StudyResult, folder: StudyFolder) -> None:
        pass


class GuardedTracker:
    """Hands on to ``inner`` until it fails; then warns once and stays silent.

    Tracking is a by-product: a missing network, a full disk or a broken installation must not
    cost a study its trials.
    """

    def __init__(self, inner: Tracker) -> None:
        self._inner: Tracker | None = inner

    def start(self, *, name: str, config: Mapping[str, object], folder: StudyFolder) -> None:
        self._guard(lambda inner: inner.start(name=name, config=config, folder=folder))

    def trial(self, record: TrialRecord) -> None:
        self._guard(lambda inner: inner.trial(record))

    def finish(self, result: StudyResult, folder: StudyFolder) -> None:
        self._guard(lambda inner: inner.finish(result, folder))

    def _guard(self, action: Callable[[Tracker], None]) -> None:
        if self._inner is None:
            return
        try:
            action(self._inner)
        except Exception as error:
            self._inner = None
            warnings.warn(
                f"Tracking failed and is off from here on; the study goes on. "
                f"({type(error).__name__}: {error}) Use tracker=none to start without it.",
                RuntimeWarning,
                stacklevel=3,
            )
