"""A Ray cluster, or a Ray that runs on this machine alone. The only file that imports ray."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from search.errors import UserError
from search.workers.messages import Answer, Failed, Found, as_exception
from search.workers.serving import answered

T = TypeVar("T")

NOBODY_S = 1200.0
"""Seconds to wait for the cluster to have room: enough for a cloud to start a machine, and for that
machine to load the model."""


def run_on_cluster(
    work: Callable[[], T], device: str, address: str | None, accelerator: str | None
) -> T:
    """What ``work`` returns on a device of the cluster, which it has to itself. If the node dies,
    ``work`` is tried once more.

    Raises:
        UserError: there is no such cluster or device, no device is free for :data:`NOBODY_S`, or
            ``work`` raised it.
    """
    ray, ours = connect(address, 1)
    try:
        room(ray, device, accelerator, ours and address is None)
        task = ray.remote(**one_device(device, accelerator), max_retries=1, max_calls=1)(answered)
        answer: Answer = ray.get(task.remote(partial(_found, work)), timeout=NOBODY_S)
    except ray.exceptions.GetTimeoutError as error:
        raise UserError(
            f"The Ray cluster had no free device for {NOBODY_S / 60:.0f} minutes. Look at what "
            "runs there ('ray status'), or use another cluster."
        ) from error
    finally:
        if ours:
            ray.shutdown()
    if isinstance(answer, Failed):
        raise as_exception(answer)
    assert isinstance(answer, Found)
    return cast(T, answer.value)


def _found(work: Callable[[], Any]) -> Found:
    return Found(work())


def one_device(device: str, accelerator: str | None) -> dict[str, Any]:
    """The resources of one worker or task, as arguments of ``ray.remote``."""
    if not device.startswith("cuda"):
        return {"num_cpus": 1}
    return {"num_cpus": 0, "num_gpus": 1, "accelerator_type": accelerator}


def room(ray: Any, device: str, accelerator: str | None, alone: bool) -> int:
    """How many workers fill the cluster. At least one, because the cluster may grow.

    Args:
        alone: whether this is a Ray of this machine alone, which does not grow.

    Raises:
        UserError: this machine alone has no such device.
    """
    if not device.startswith("cuda"):
        return max(1, int(ray.cluster_resources().get("CPU", 0)))
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    usable = [
        node for node in nodes if accelerator is None or f"accelerator_type:{accelerator}" in node
    ]
    gpus = sum(int(node.get("GPU", 0)) for node in usable)
    if alone and not gpus:
        raise UserError(
            f"Ray finds no GPU{f' of the type {accelerator}' if accelerator else ''} on this "
            f"machine for model.device={device}. Give the launcher.address of a cluster that has "
            "one, or take model.device=cpu."
        )
    return max(1, gpus)


def connect(address: str | None, workers: int | None) -> tuple[Any, bool]:
    """The module ray, connected, and whether this call connected it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError as error:
        raise UserError(
            "launcher=ray needs the package ray, which is not installed. Install the extra: "
            "pip install 'dato[ray]'."
        ) from error
    if ray.is_initialized():  # by a program that uses this as a library
        return ray, False
    local = {"include_dashboard": False} if address is None else {}
    try:
        ray.init(
            address or "local",
            num_cpus=workers if address is None else None,
            log_to_driver=False,
            logging_level="error",
            **local,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UserError(
            f"Cannot reach launcher.address={address!r} ({str(error).splitlines()[0]}). "
            "Give the address of a running Ray cluster, or none to start Ray on this machine. If "
            "the cluster wants a token, set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN."
        ) from error
    return ray, True
