"""The protocol of trackers, one that does nothing, and a guard against their failures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Protocol

from search.records.folder import StudyFolder
from search.records.record import TrialRecord
from search.records.result import StudyResult


class Tracker(Protocol):
    """Records one study. ``trial`` is called once a trial's result is stored; ``finish`` ends the
    run."""

    def start(self, *, name: str, config: Mapping[str, object], folder: StudyFolder) -> None:
        """Begin, or go on after an interruption. ``config`` is the resolved configuration."""
        ...

    def trial(self, record: TrialRecord) -> None:
        """Record one finished trial. A number that this session recorded before is ignored.

        A resumed study records its earlier trials first, in order.
        """
        ...

    def finish(self, result: StudyResult, folder: StudyFolder) -> None:
        """Record the study's tables, plots, samples and presets from its folder, and end the
        run."""
        ...


class NullTracker:
    """Records nothing."""

    def start(self, *, name: str, config: Mapping[str, object], folder: StudyFolder) -> None:
        pass

    def trial(self, record: TrialRecord) -> None:
        pass

    def finish(self, result: StudyResult, folder: StudyFolder) -> None:
        pass


class GuardedTracker:
    """Passes everything to ``inner`` until it fails, then warns once and does nothing.

    A missing network, a full disk or a broken installation of the tracker must not cost a study
    its trials.
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
                f"Tracking failed and is now off ({type(error).__name__}: {error}). The study goes "
                "on. "
                "Use tracker=none to start without it.",
                RuntimeWarning,
                stacklevel=3,
            )
