"""Where the model runs: in this process, or in workers that give the same bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self, TypeVar

from search.model.base_sampler import based
from search.model.description import ModelDescription
from search.model.generator import Generator
from search.model.images import Images
from search.model.workload import Workload
from search.records.base_sampler import Run

T = TypeVar("T")


class Pool(Protocol):
    """Generates images of a study's two workloads, and measures where they are generated."""

    @property
    def description(self) -> ModelDescription:
        """What was loaded, and where."""
        ...

    def generate(self, run: Run, indices: Sequence[int], *, heldout: bool = False) -> Images:
        """Images ``indices`` of a workload: of the search's, or of the held-out one.

        Raises:
            TrialError: the run cannot be scored, or a worker died on it.
        """
        ...

    @property
    def absent(self) -> int:
        """How many workers have not started yet."""
        ...

    def measure(self, work: Callable[[Generator], T]) -> T:
        """What ``work`` returns for the model of the search workload. Meanwhile no worker has other
        work, so that it has its device to itself.

        Args:
            work: picklable, such as a ``partial`` of a module's function.

        Raises:
            TrialError: the model cannot be run.
            UserError: the worker died meanwhile.
        """
        ...

    def run_all(self, works: Sequence[Callable[[Generator], T]]) -> tuple[T, ...]:
        """What each of ``works`` returns for the model of the search workload, in their order.
        Workers share them, so none of them may measure time.

        Args:
            works: picklable.

        Raises:
            TrialError: the model cannot be run, or a worker died.
        """
        ...

    def close(self) -> None:
        """Free everything. The pool cannot be used afterwards."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class SerialPool:
    """Generates in this process.

    Args:
        generator: loaded with the search workload.
        heldout: the second workload, whose prompts are encoded when they are first needed.
    """

    def __init__(self, generator: Generator, heldout: Workload | None = None) -> None:
        self._search = generator
        self._heldout_workload = heldout
        self._heldout: Generator | None = None

    def generate(self, run: Run, indices: Sequence[int], *, heldout: bool = False) -> Images:
        """See :class:`Pool`."""
        with based(self.generator(heldout), run.base) as generator:
            return generator.generate(run.schedule, indices)

    @property
    def description(self) -> ModelDescription:
        """See :class:`Pool`."""
        return self._search.description

    @property
    def absent(self) -> int:
        """See :class:`Pool`: this process has started."""
        return 0

    def measure(self, work: Callable[[Generator], T]) -> T:
        """See :class:`Pool`."""
        return work(self._search)

    def run_all(self, works: Sequence[Callable[[Generator], T]]) -> tuple[T, ...]:
        """See :class:`Pool`."""
        return tuple(work(self._search) for work in works)

    def generator(self, heldout: bool) -> Generator:
        """The generator of one of the workloads."""
        if not heldout:
            return self._search
        if self._heldout is None:
            if self._heldout_workload is None:
                raise ValueError("This pool was made without a held-out workload.")
            self._heldout = self._search.with_workload(self._heldout_workload)
        return self._heldout

    def close(self) -> None:
        """Nothing to free: the generator belongs to the caller."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
