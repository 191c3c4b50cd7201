"""Workers on a Ray cluster, or on a Ray of this machine's own. The one file that imports ray."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from search.errors import UserError
from search.evaluate.generate import ModelConfig
from search.evaluate.workload import Workload
from search.launch.pool_messages import Answer, Failed, Task, as_exception
from search.launch.pool_workers import WorkerDied, WorkerPool
from search.launch.worker import Server


@dataclass
class RayWorker:
    """One actor and the answer that it owes."""

    ray: Any
    actor: Any
    owed: Any

    def send(self, task: Task) -> bool:
        """See :class:`~search.launch.pool_workers.Worker`; a dead actor shows when it answers."""
        self.owed = self.actor.run.remote(task)
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

    def ready(self) -> None:
        answer = self.receive()
        if isinstance(answer, Failed):
            raise as_exception(answer)

    def stop(self) -> None:
        self.ray.kill(self.actor)


class RayPool(WorkerPool[RayWorker]):
    """Deals chunks out to Ray actors. Nodes come and go, so a chunk whose worker died is tried
    once more, on a worker that Ray starts wherever there is room.

    Args:
        model: loaded once by each worker, which holds one GPU where ``model.device`` is ``cuda``
            and one CPU otherwise.
        workers: how many; ``None`` fills the cluster.
        address: of a running cluster, ``"auto"`` for the one this machine belongs to; ``None``
            starts Ray on this machine for as long as the pool is open.

    Raises:
        UserError: ray is not installed, or there is no cluster at that address.
    """

    retries = 1

    def __init__(
        self,
        model: ModelConfig,
        search: Workload,
        heldout: Workload | None,
        workers: int | None,
        timeout_s: float | None = None,
        address: str | None = None,
    ) -> None:
        self._model = model
        self._ray, self._ours = _connect(address, workers)
        on_gpu = model.device.startswith("cuda")
        try:
            if workers is None:
                room = self._ray.cluster_resources().get("GPU" if on_gpu else "CPU", 0)
                workers = max(1, int(room))
            options = {"num_cpus": 0 if on_gpu else 1, "num_gpus": 1 if on_gpu else 0}
            self._actor = self._ray.remote(**options, max_restarts=0)(Server)
            super().__init__(model.batch_size, search, heldout, workers, timeout_s)
        except BaseException:
            self._disconnect()
            raise

    @property
    def processes(self) -> tuple[int, ...]:
        """Process ids of the workers, each on its own machine."""
        return tuple(self._ray.get([worker.actor.pid.remote() for worker in self._workers]))

    def _start(self, number: int) -> RayWorker:
        actor = self._actor.options(name=None).remote(self._model, self._search, self._heldout)
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


def _connect(address: str | None, workers: int | None) -> tuple[Any, bool]:
    """Ray, and whether this call began the connection."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError as error:
        raise UserError(
            "launcher=ray needs the package ray. Install the extra: pip install 'dato[ray]'."
        ) from error
    if ray.is_initialized():
        return ray, False
    quiet = {"include_dashboard": False} if address is None else {}
    try:
        ray.init(
            address or "local",
            num_cpus=workers if address is None else None,
            log_to_driver=False,
            logging_level="error",
            **quiet,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UserError(
            f"launcher.address={address!r} could not be reached ({str(error).splitlines()[0]}). "
            "Give the address of a running Ray cluster, or none to start Ray on this machine."
        ) from error
    return ray, True
