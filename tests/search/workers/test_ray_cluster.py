"""What a study takes of a Ray cluster. Ray counts GPUs as it is told, so this machine has four."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from search.errors import TrialError, UserError
from search.workers import ray_cluster
from search.workers.ray_cluster import room, run_on_cluster
from search.workers.ray_pool import RayPool
from tests.search.model.tiny import SEARCH, tiny_config

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="needs ray (pip install 'dato[ray]')"
    ),
]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    ray.init(
        "local",
        num_cpus=1,
        num_gpus=4,
        resources={"accelerator_type:A100": 1},
        include_dashboard=False,
        log_to_driver=False,
    )
    yield ray
    ray.shutdown()


def visible() -> str:
    return os.environ["CUDA_VISIBLE_DEVICES"]


def failing(error: type[Exception]) -> None:
    raise error("because")


def test_workers_fill_the_gpus_of_one_type(cluster: Any) -> None:
    assert room(cluster, "cuda", None, True) == 4
    assert room(cluster, "cuda", "A100", True) == 4
    assert room(cluster, "cpu", None, True) == 1
    assert room(cluster, "cuda", "H100", False) == 1  # such a node may still come
    with pytest.raises(UserError, match=r"no GPU of the type H100 on this machine.*address"):
        room(cluster, "cuda", "H100", True)


def test_a_task_has_one_gpu_to_itself_and_its_errors_are_its_own(cluster: Any) -> None:
    run = partial(run_on_cluster, device="cuda", address=None, accelerator="A100")
    assert run(visible) in {"0", "1", "2", "3"}
    with pytest.raises(UserError, match="because"):
        run(partial(failing, UserError))
    with pytest.raises(TrialError, match="because"):
        run(partial(failing, TrialError))


def test_a_task_that_finds_no_room_is_given_up(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_cluster, "NOBODY_S", 2.0)
    with pytest.raises(UserError, match="had no free device"):
        run_on_cluster(visible, "cuda", "auto", "H100")


def test_a_machine_without_a_gpu_is_told_so_at_once(tiny_folder: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    with pytest.raises(UserError, match=r"no GPU on this machine .*Give the launcher\.address"):
        RayPool(tiny_config(tiny_folder, device="cuda"), SEARCH, None, 2)
