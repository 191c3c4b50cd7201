"""Hands chunks of images, and other work, to workers as they become free, wherever they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Self, TypeVar, cast

from search.errors import RESUME, UserError
from search.model.generator import Generator
from search.model.images import Images, pick
from search.model.workload import Workload, chunks_of
from search.records.base_sampler import Run
from search.settings.duration import duration_text
from search.workers.messages import (
    Begun,
    Failed,
    Found,
    Measurement,
    Order,
    Task,
    as_exception,
)
from search.workers.request import Request
from search.workers.roster import Roster, W
from search.workers.worker import Deaths, WorkerDied

T = TypeVar("T")


class WorkerPool(Roster[W]):
    """A pool of workers that each hold the model. Whatever their number, it gives the same bits as
    :class:`~search.workers.pool.SerialPool`.

    Args:
        batch_size: images per chunk.
        search: the search workload; ``heldout``: the second one.
        workers: how many.
        timeout_s: seconds after which a worker that has not finished a chunk is replaced and its
            trial fails; ``None`` waits for ever.

    Raises:
        UserError: the model cannot be loaded.
    """

    retries = 0
    """How often a chunk is handed out again whose worker died on it, before its trial fails."""

    def __init__(
        self,
        batch_size: int,
        search: Workload,
        heldout: Workload | None,
        workers: int,
        timeout_s: float | None = None,
    ) -> None:
        self._batch_size, self._search, self._heldout = batch_size, search, heldout
        self._timeout_s = timeout_s
        super().__init__(workers)

    def generate(self, run: Run, indices: Sequence[int], *, heldout: bool = False) -> Images:
        """See :class:`search.workers.pool.Pool`. ``seconds`` is the busiest worker's."""
        workload = self._heldout if heldout else self._search
        if workload is None:
            raise ValueError("This pool was made without a held-out workload.")
        chunks = chunks_of(indices, self._batch_size, len(workload))
        tasks = [Task(run, chunk, heldout) for chunk in chunks]
        request = Request(tasks, self._timeout_s)
        self._carry_out(request)
        made = {chunk: request.done[place] for place, chunk in enumerate(chunks)}
        images = pick(made, indices, self._batch_size)
        return replace(images, seconds=max(request.seconds.values(), default=0.0))

    def measure(self, work: Callable[[Generator], T]) -> T:
        """See :class:`search.workers.pool.Pool`. One worker measures while the others wait.
        On one machine it first waits until all have loaded the model. ``timeout_s`` does not apply.
        """
        deaths = Deaths()
        while True:
            try:
                return cast(T, self._found(Measurement(work)))
            except WorkerDied as death:
                if not deaths.again(death, self.retries):
                    raise UserError(
                        f"{death} It was measuring the model, which a study needs. Remove the "
                        f"cause, then start again or go on with {RESUME}."
                    ) from None

    def run_all(self, works: Sequence[Callable[[Generator], T]]) -> tuple[T, ...]:
        """See :class:`search.workers.pool.Pool`. ``timeout_s`` does not apply."""
        request = Request([Measurement(work) for work in works])
        self._carry_out(request)
        return tuple(request.done[place] for place in range(len(works)))

    def _found(self, order: Measurement) -> object:
        """What a worker found. After an interruption or its death it is replaced."""
        others_s = None if self.gather_s is None else 0.0
        self._gather(others_s)
        while not self._send(number := min(self._ready()), order):
            self._gather(others_s)
        try:
            while isinstance(answer := self._workers[number].receive(), Begun):
                pass
        except BaseException:
            self._restart(number)
            raise
        if isinstance(answer, Failed):
            raise as_exception(answer)
        assert isinstance(answer, Found)
        return answer.value

    def _carry_out(self, request: Request) -> None:
        """Carry out all orders. Workers that are interrupted in theirs are replaced."""
        try:
            self._serve(request)
        except BaseException:
            for number in request.busy:
                self._restart(number)
            raise
        if request.error is not None:
            raise request.error

    def _serve(self, request: Request) -> None:
        """Hand out orders until all are answered, or one failed and the running ones ended."""
        while True:
            self._deal(request)
            if not request.busy and (request.error is not None or not request.waiting):
                return
            self._listen(request)
            for number in request.overdue():
                self._restart(number)
                took = duration_text(self._timeout_s or 0)
                reason = f"A worker took longer than launcher.timeout={took} for one batch."
                request.take(number, Failed("trial", f"{reason} It was started again."))

    def _deal(self, request: Request) -> None:
        """Give orders to idle workers."""
        for number in self._ready():
            if request.waiting and request.error is None and number not in request.busy:
                order = request.next_for(number)
                if not self._send(number, order):
                    request.take_back(number)

    def _listen(self, request: Request) -> None:
        """Take in the next answers, from workers at work and from those that have loaded."""
        limit = request.patience() if request.busy else self.nobody_s
        answered = self._answered([*request.busy, *self._loading], limit)
        loading = [number for number in answered if number in self._loading]
        if loading or not request.busy:
            self._hear_all(loading)
        for number in answered:
            if number not in loading:
                self._receive(number, request)

    def _send(self, number: int, order: Order) -> bool:
        """Whether the worker took the order. One that died while idle held no work, so a new one
        takes its place unnoticed; its death may also show only when it should answer."""
        if self._workers[number].send(order):
            return True
        self._restart(number)
        return False

    def _receive(self, number: int, request: Request) -> None:
        try:
            answer = self._workers[number].receive()
        except WorkerDied as death:
            self._restart(number)
            if request.give_back(number, death, self.retries):
                return
            answer = Failed("trial", f"{death} It was started again.")
        if not isinstance(answer, Begun):
            request.take(number, answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
