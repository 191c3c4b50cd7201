"""The other drivers of a study: whose turn it is, which trials they run, which of them died."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

from optuna import Study
from optuna.trial import FrozenTrial, Trial, TrialState

T = TypeVar("T")


def running(study: Study) -> Sequence[FrozenTrial]:
    """Trials that some driver runs, or ran when it died."""
    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


class OtherDrivers(Protocol):
    """How a driver shares its study with others."""

    def turn(self) -> AbstractContextManager[None]:
        """Hold the right to propose, which one driver has at a time. So each driver that proposes
        sees everything that was proposed before."""
        ...

    def lost(self, study: Study) -> Sequence[FrozenTrial]:
        """Running trials whose driver is dead."""
        ...

    def running_trials(self, study: Study) -> Sequence[FrozenTrial]:
        """Trials that other drivers run."""
        ...

    def claim(self, trial: Trial) -> None:
        """Record that this driver runs the trial."""
        ...

    def heartbeat(self, trial: Trial) -> AbstractContextManager[None]:
        """Keep recording it while the block runs."""
        ...

    def wait(self) -> None:
        """Wait a little for the others."""
        ...

    def with_retries(self, step: Callable[[], T]) -> T:
        """The result of ``step``, which is tried again while the storage does not answer.

        Raises:
            UserError: the storage did not answer for too long.
        """
        ...


class NoOtherDrivers:
    """This driver holds the study's lock, so every other trial that is running was lost."""

    def turn(self) -> AbstractContextManager[None]:
        return nullcontext()

    def lost(self, study: Study) -> Sequence[FrozenTrial]:
        return running(study)

    def running_trials(self, study: Study) -> Sequence[FrozenTrial]:
        return ()

    def claim(self, trial: Trial) -> None:
        pass

    def heartbeat(self, trial: Trial) -> AbstractContextManager[None]:
        return nullcontext()

    def wait(self) -> None:
        pass

    def with_retries(self, step: Callable[[], T]) -> T:
        return step()
