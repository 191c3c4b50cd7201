"""Workers on a Ray cluster, or on a Ray of this machine's own. The one file that imports ray."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

from search.errors import UserError
from search.evaluate.generate import ModelConfig
from search.evaluate.workload import Workload
from search.launch.pool_messages import Answer, Failed, Found, Order, as_exception
from search.launch.pool_roster import WorkerDied
from search.launch.pool_workers import WorkerPool
from search.launch.worker import Server, answered

T = TypeVar("T")


@dataclass
class RayWorker:
    """One actor and the answer that it owes."""

    ray: Any
    actor: Any
    owed: Any

    def send(self, order: Order) -> bool:
        """See :class:`~search.launch.pool_workers.Worker`; a dead actor shows when it answers."""
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
    """Deals chunks out to Ray actors. Nodes come and go: the study begins with the workers that
    are there, others join when the cluster has room for them, and a chunk whose worker died is
    tried once more.

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
    nobody_s = 1200.0
    """Long enough for a cloud to start a machine, and for that to load the model."""

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
        self._ray, self._ours = _connect(address, workers)
        try:
            if workers is None:
                workers = _room(self._ray, model.device, accelerator)
            options = _one_device(model.device, accelerator)
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


def run_on_cluster(
    work: Callable[[], T], device: str, address: str | None, accelerator: str | None
) -> T:
    """What ``work`` returns on a device of the cluster's that it has to itself; if its node dies,
    it is tried once more.

    Raises:
        UserError: see :class:`RayPool`; or ``work``'s own.
    """
    ray, ours = _connect(address, 1)
    try:
        task = ray.remote(**_one_device(device, accelerator), max_retries=1, max_calls=1)(answered)
        answer: Answer = ray.get(task.remote(partial(_found, work)))
    finally:
        if ours:
            ray.shutdown()
    if isinstance(answer, Failed):
        raise as_exception(answer)
    assert isinstance(answer, Found)
    return cast(T, answer.value)


def _found(work: Callable[[], Any]) -> Found:
    return Found(work())


def _one_device(device: str, accelerator: str | None) -> dict[str, Any]:
    """What a worker or a task takes of a cluster, in Ray's words."""
    if not device.startswith("cuda"):
        return {"num_cpus": 1}
    return {"num_cpus": 0, "num_gpus": 1, "accelerator_type": accelerator}


def _room(ray: Any, device: str, accelerator: str | None) -> int:
    """How many workers fill the cluster."""
    if not device.startswith("cuda"):
        return max(1, int(ray.cluster_resources().get("CPU", 0)))
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    like = [own for own in nodes if accelerator is None or f"accelerator_type:{accelerator}" in own]
    return max(1, sum(int(own.get("GPU", 0)) for own in like))


def _connect(address: str | None, workers: int | None) -> tuple[Any, bool]:
    """Ray, and whether this call began the connection."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError as error:
        raise UserError(
            "launcher=ray needs the package ray. Install the extra: pip install 'dato[ray]'."
        ) from error
    if ray.is_initialized():  # by whoever uses this as a library
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
            "Give the address of a running Ray cluster, or none to start Ray on this machine. If "
            "the cluster wants a token, set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN."
        ) from error
    return ray, True
