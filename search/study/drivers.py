"""The drivers of one study, as each of them sees the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

from optuna import Study
from optuna.trial import FrozenTrial, Trial, TrialState

T = TypeVar("T")


def running(study: Study) -> Sequence[FrozenTrial]:
    """Trials that somebody is at, or was when it died."""
    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


class Crew(Protocol):
    """What a driver owes to others that share its study."""

    def turn(self) -> AbstractContextManager[None]:
        """The right to propose, which one driver has at a time: whoever proposes then sees all
        that was proposed before."""
        ...

    def lost(self, study: Study) -> Sequence[FrozenTrial]:
        """Running trials whose driver is dead."""
        ...

    def others(self, study: Study) -> Sequence[FrozenTrial]:
        """Trials that other drivers are at."""
        ...

    def claim(self, trial: Trial) -> None:
        """Say that this driver is at the trial."""
        ...

    def at_work(self, trial: Trial) -> AbstractContextManager[None]:
        """Keep saying so while the block runs."""
        ...

    def rest(self) -> None:
        """Wait for the others a little."""
        ...

    def patiently(self, step: Callable[[], T]) -> T:
        """The step's result; it is tried again while the storage does not answer.

        Raises:
            UserError: the storage stays silent.
        """
        ...


class Alone:
    """One driver, which holds the study's lock: whatever is running and not its own is lost."""

    def turn(self) -> AbstractContextManager[None]:
        return nullcontext()

    def lost(self, study: Study) -> Sequence[FrozenTrial]:
        return running(study)

    def others(self, study: Study) -> Sequence[FrozenTrial]:
        return ()

    def claim(self, trial: Trial) -> None:
        pass

    def at_work(self, trial: Trial) -> AbstractContextManager[None]:
        return nullcontext()

    def rest(self) -> None:
        pass

    def patiently(self, step: Callable[[], T]) -> T:
        return step()
