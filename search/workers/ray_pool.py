"""Workers on a Ray cluster, or on a Ray of this machine alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from search.model.loading import ModelConfig
from search.model.workload import Workload
from search.workers.messages import Answer, Failed, Order
from search.workers.ray_cluster import NOBODY_S, connect, one_device, room
from search.workers.serving import Server
from search.workers.worker import WorkerDied
from search.workers.worker_pool import WorkerPool


@dataclass
class RayWorker:
    """One actor, and the answer that the driver waits for."""

    ray: Any
    actor: Any
    owed: Any

    def send(self, order: Order) -> bool:
        """See :class:`~search.workers.worker.Worker`. A dead actor is noticed by its
        answer."""
        self.owed = self.actor.run.remote(order)
        return True

    def receive(self) -> Answer:
        try:
            answer: Answer = self.ray.get(self.owed)
            return answer
        except self.ray.exceptions.RayTaskError as error:
            return Failed("code", str(error))
        except self.ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[0]
            raise WorkerDied(f"A Ray worker ended unexpectedly ({reason}).") from None

    def stop(self) -> None:
        self.ray.kill(self.actor)


class RayPool(WorkerPool[RayWorker]):
    """Hands chunks out to Ray actors. The study begins with the workers that have started; others
    join when the cluster has room for them. A chunk whose worker died is tried once more.

    Args:
        model: loaded once by each worker, which holds one GPU where ``model.device`` is ``cuda``
            and one CPU otherwise.
        workers: how many; ``None`` fills the cluster.
        address: of a running cluster, ``"auto"`` for the one this machine belongs to; ``None``
            starts Ray on this machine for as long as the pool is open.
        accelerator: Ray's name of the only type of GPU to take, such as ``"A100"``.

    Raises:
        UserError: ray is not installed, or there is no cluster at that address.
    """

    retries = 1
    gather_s = 60.0
    nobody_s = NOBODY_S

    def __init__(
        self,
        model: ModelConfig,
        search: Workload,
        heldout: Workload | None,
        workers: int | None,
        timeout_s: float | None = None,
        address: str | None = None,
        accelerator: str | None = None,
    ) -> None:
        self._model = model
        self._ray, self._ours = connect(address, workers)
        try:
            space = room(self._ray, model.device, accelerator, self._ours and address is None)
            workers = space if workers is None else workers
            options = one_device(model.device, accelerator)
            self._actor = self._ray.remote(**options, max_restarts=0)(Server)
            super().__init__(model.batch_size, search, heldout, workers, timeout_s)
        except BaseException:
            self._disconnect()
            raise

    @property
    def processes(self) -> tuple[int, ...]:
        """Process ids of the workers that are there, each on its own machine."""
        actors = [self._workers[number].actor for number in self._ready()]
        return tuple(self._ray.get([actor.pid.remote() for actor in actors]))

    def _start(self, number: int) -> RayWorker:
        actor = self._actor.remote(self._model, self._search, self._heldout)
        return RayWorker(self._ray, actor, actor.load.remote())

    def _answered(self, numbers: Sequence[int], patience_s: float | None) -> Sequence[int]:
        owed = [self._workers[number].owed for number in numbers]
        ready, _ = self._ray.wait(owed, num_returns=1, timeout=patience_s)
        return [number for number, answer in zip(numbers, owed, strict=True) if answer in ready]

    def close(self) -> None:
        """End all workers, and Ray where it was started for them."""
        super().close()
        self._disconnect()

    def _disconnect(self) -> None:
        if self._ours:
            self._ours = False
            self._ray.shutdown()
