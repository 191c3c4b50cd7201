"""Worker processes on this machine, one CPU thread each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import wait
from typing import Self

import torch

from dato import Schedule
from search.errors import TrialError, UserError
from search.evaluate.generate import Images, ModelConfig, pick
from search.evaluate.workload import Workload, chunks_of
from search.launch.pool_messages import Answer, Done, Failed, Ready, Task
from search.launch.pool_process import WorkerDied, WorkerProcess, as_exception


class LocalPool:
    """Deals chunks out to worker processes as they become free. Same bits as
    :class:`~search.launch.pool.SerialPool`.

    Args:
        model: loaded once by each worker. On several GPUs, workers are dealt over them.
        search: the search workload; ``heldout``: the second one.
        workers: number of processes.

    Raises:
        UserError: the model cannot be loaded.
    """

    def __init__(
        self, model: ModelConfig, search: Workload, heldout: Workload | None, workers: int
    ) -> None:
        if workers < 1:
            raise UserError(f"launcher.workers is at least 1; found {workers}.")
        self._model, self._search, self._heldout = model, search, heldout
        self._workers: list[WorkerProcess] = []
        try:
            for number in range(workers):
                self._workers.append(self._start(number))
            for worker in self._workers:
                worker.ready()
        except BaseException:
            self.close()
            raise

    @property
    def processes(self) -> tuple[int, ...]:
        """Process ids of the workers."""
        return tuple(worker.process.pid or 0 for worker in self._workers)

    def generate(
        self, schedule: Schedule | None, indices: Sequence[int], *, heldout: bool = False
    ) -> Images:
        """See :class:`search.launch.pool.Pool`. ``seconds`` is the busiest worker's."""
        workload = self._heldout if heldout else self._search
        if workload is None:
            raise ValueError("This pool was made without a held-out workload.")
        batch = self._model.batch_size
        chunks = chunks_of(indices, batch, len(workload))
        request = _Request([Task(schedule, chunk, heldout) for chunk in chunks])
        try:
            self._serve(request)
        except BaseException:
            for number in request.busy:
                self._replace(number, wait_for_it=False)
            raise
        if request.error is not None:
            raise request.error
        images = pick(request.done, indices, batch)
        return replace(images, seconds=max(request.seconds.values(), default=0.0))

    def _serve(self, request: _Request) -> None:
        """Hand out tasks until all are answered, or one failed and the others came in."""
        while True:
            for number in range(len(self._workers)):
                if request.tasks and request.error is None and number not in request.busy:
                    self._send(number, request.next_for(number))
            if not request.busy:
                return
            numbers = {self._workers[number].connection.fileno(): number for number in request.busy}
            for connection in wait([self._workers[number].connection for number in request.busy]):
                number = numbers[connection.fileno()]  # type: ignore[union-attr]
                request.take(number, self._receive(number))

    def _send(self, number: int, task: Task) -> None:
        """A worker that died while idle held no work, so a new one takes its place unnoticed."""
        if not self._workers[number].send(task):
            self._replace(number)
            if not self._workers[number].send(task):
                raise TrialError("A worker process ended as soon as it was started again.")

    def _receive(self, number: int) -> Answer:
        try:
            return self._workers[number].receive()
        except WorkerDied as death:
            self._replace(number)
            return Failed("trial", f"{death} It was started again.")

    def _start(self, number: int) -> WorkerProcess:
        count = torch.cuda.device_count()
        model = self._model
        if model.device == "cuda" and count > 1:
            model = replace(model, device=f"cuda:{number % count}")
        return WorkerProcess.start(f"worker-{number}", model, self._search, self._heldout)

    def _replace(self, number: int, wait_for_it: bool = True) -> None:
        self._workers[number].stop()
        self._workers[number] = self._start(number)
        if wait_for_it:
            self._workers[number].ready()

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.stop()
        self._workers = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Request:
    """Tasks to hand out, workers at work, results so far."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = list(reversed(tasks))
        self.busy: dict[int, Task] = {}
        self.done: dict[int, Images] = {}
        self.seconds: defaultdict[int, float] = defaultdict(float)
        self.error: Exception | None = None

    def next_for(self, number: int) -> Task:
        """Take the next task for worker ``number``."""
        self.busy[number] = self.tasks.pop()
        return self.busy[number]

    def take(self, number: int, answer: Answer) -> None:
        """Note the answer of worker ``number``; the first failure is kept.

        A worker that was replaced after an interruption first says that it is ready.
        """
        if isinstance(answer, Ready):
            return
        task = self.busy.pop(number)
        if isinstance(answer, Done):
            self.done[task.chunk] = images = answer.unpack()
            self.seconds[number] += images.seconds
        else:
            self.error = self.error or as_exception(answer)
