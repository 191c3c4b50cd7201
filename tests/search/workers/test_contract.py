"""What every launcher owes the search, whichever runs the workers."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from dato import Kind, Schedule
from search.errors import TrialError, UserError
from search.model.drift import image_drift
from search.model.generator import Generator
from search.model.images import Images, join
from search.records.base_sampler import UNPATCHED, Run
from search.workers.local_pool import LocalPool
from search.workers.messages import Order, Ready, Task
from search.workers.pool import Pool, SerialPool
from search.workers.ray_pool import RayPool
from search.workers.worker import Deaths, WorkerDied
from tests.search.model.tiny import HELDOUT, SEARCH, STEPS, tiny_config

RUN = Run(Schedule.uniform(STEPS, interval=3, depth=1, prune={"level_0": 0.5}))
FIXED = [UNPATCHED, RUN, Run(Schedule.full(STEPS)), Run(Schedule.uniform(STEPS, 2, 2))]
WITHOUT_RAY = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs ray (pip install 'dato[ray]')"
)
RAYS_OWN = pytest.mark.filterwarnings("default")
RAY = pytest.param("ray", marks=[WITHOUT_RAY, pytest.mark.slow, RAYS_OWN])


def open_pool(kind: str, folder: Path, workers: int = 2, timeout_s: float | None = None) -> Pool:
    model = tiny_config(folder)
    if kind == "serial":
        return SerialPool(Generator(model, SEARCH), HELDOUT)
    if kind == "local":
        return LocalPool(model, SEARCH, HELDOUT, workers, timeout_s)
    return RayPool(model, SEARCH, HELDOUT, workers, timeout_s)


@pytest.fixture(scope="module", params=["serial", "local", RAY])
def pool(request: pytest.FixtureRequest, tiny_folder: Path) -> Iterator[Pool]:
    with open_pool(request.param, tiny_folder) as opened:
        yield opened


@pytest.fixture
def workers(pool: Pool) -> LocalPool | RayPool:
    if not isinstance(pool, LocalPool | RayPool):
        pytest.skip("one process has no workers")
    pool._gather(None)  # those that the test before replaced
    return pool


@pytest.fixture(scope="module")
def serial(generator: Generator) -> SerialPool:
    return SerialPool(generator, HELDOUT)


def same(a: Images, b: Images) -> bool:
    return torch.equal(a.pixels, b.pixels) and torch.equal(a.latents, b.latents)


def test_fixed_schedules_have_the_bits_of_one_process(pool: Pool, serial: SerialPool) -> None:
    for run in FIXED:
        assert same(pool.generate(run, range(8)), serial.generate(run, range(8)))


def test_images_come_in_the_order_that_was_asked_for(pool: Pool, serial: SerialPool) -> None:
    assert same(pool.generate(RUN, [5, 0]), serial.generate(RUN, [5, 0]))
    parts = [pool.generate(RUN, range(2)), pool.generate(RUN, range(2, 8))]
    assert same(serial.generate(RUN, range(8)), join(parts))


def test_both_workloads_are_at_hand(pool: Pool, serial: SerialPool) -> None:
    held = serial.generate(RUN, range(4), heldout=True)
    assert same(pool.generate(RUN, range(4), heldout=True), held)


def test_a_schedule_that_does_not_fit_fails_its_trial_alone(pool: Pool, serial: SerialPool) -> None:
    bad = Schedule({"full": Kind(), "x": Kind(99)}, ("full",) + ("x",) * (STEPS - 1))
    with pytest.raises(TrialError, match="skip branches"):
        pool.generate(Run(bad), range(8))
    assert same(pool.generate(RUN, range(4)), serial.generate(RUN, range(4)))


def test_the_model_is_known_without_loading_it_here(pool: Pool, generator: Generator) -> None:
    assert pool.description == generator.description
    assert pool.description.topology == generator.topology


def test_what_is_measured_is_what_one_process_finds(pool: Pool, generator: Generator) -> None:
    drift = pool.measure(partial(image_drift, image=1))
    assert drift == image_drift(generator, 1)


def test_work_that_workers_share_comes_back_in_its_order(pool: Pool, generator: Generator) -> None:
    drifts = pool.run_all([partial(image_drift, image=image) for image in range(5)])
    assert drifts == tuple(image_drift(generator, image) for image in range(5))
    assert pool.run_all([]) == ()


def out_of_memory(generator: Generator) -> str:
    raise TrialError("Out of memory: 3 GiB.")


def test_a_measurement_that_fails_says_why_and_the_pool_goes_on(
    pool: Pool, serial: SerialPool
) -> None:
    with pytest.raises(TrialError, match="3 GiB"):
        pool.measure(out_of_memory)
    with pytest.raises(TrialError, match="3 GiB"):
        pool.run_all([out_of_memory, out_of_memory])
    assert same(pool.generate(RUN, range(4)), serial.generate(RUN, range(4)))


def ending_once(generator: Generator, flag: Path) -> int:
    """Kills its process, unless one was killed before."""
    if not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return len(generator.workload)


def test_a_worker_killed_while_it_measures_is_replaced(
    workers: LocalPool | RayPool, serial: SerialPool, tmp_path: Path
) -> None:
    work = partial(ending_once, flag=tmp_path / "flag")
    if not workers.retries:
        with pytest.raises(UserError, match=r"ended unexpectedly.*dato-search resume"):
            workers.measure(work)
    assert workers.measure(work) == len(SEARCH)
    assert same(workers.generate(RUN, range(8)), serial.generate(RUN, range(8)))


def test_a_worker_killed_on_shared_work_is_replaced(
    workers: LocalPool | RayPool, tmp_path: Path
) -> None:
    work = partial(ending_once, flag=tmp_path / "flag")
    if not workers.retries:
        with pytest.raises(TrialError, match="ended unexpectedly"):
            workers.run_all([work])
    assert workers.run_all([work, work, work]) == (len(SEARCH),) * 3


def test_a_worker_on_another_device_or_with_other_weights_is_refused(
    workers: LocalPool | RayPool,
) -> None:
    description = workers.description
    place = description.place.model_copy(update={"device": "NVIDIA T4"})
    elsewhere = replace(description, place=place)
    with pytest.raises(UserError, match=r"differ \(device NVIDIA T4, not .*launcher\.accelerator"):
        workers._admit(Ready(elsewhere))
    with pytest.raises(UserError, match=r"differ \(weights\)"):
        workers._admit(Ready(replace(description, fingerprint="sha256:0")))


def sent(pool: LocalPool | RayPool, monkeypatch: pytest.MonkeyPatch) -> Sequence[Task]:
    """Tasks, as they are handed to workers."""
    tasks: list[Task] = []
    send = pool._send

    def watched(number: int, order: Order) -> bool:
        assert isinstance(order, Task)
        tasks.append(order)
        return send(number, order)

    monkeypatch.setattr(pool, "_send", watched)
    return tasks


def test_each_batch_is_made_once(
    workers: LocalPool | RayPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = sent(workers, monkeypatch)
    workers.generate(RUN, range(8))
    assert sorted(task.chunk for task in tasks) == list(range(8 // tiny_config(Path()).batch_size))


def test_a_worker_killed_while_idle_is_replaced(
    workers: LocalPool | RayPool, serial: SerialPool
) -> None:
    victim, other = workers.processes
    os.kill(victim, signal.SIGKILL)
    assert same(workers.generate(RUN, range(8)), serial.generate(RUN, range(8)))
    assert victim not in workers.processes
    assert other in workers.processes


def dead_when_dealt(
    workers: LocalPool | RayPool, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, list[Order]]:
    """A worker that cannot take its next order, and is killed right after it was sent."""
    victim, orders, send = workers.processes[0], list[Order](), workers._send
    os.kill(victim, signal.SIGSTOP)

    def sent(number: int, order: Order) -> bool:
        taken = send(number, order)
        if number == 0:
            orders.append(order)
            if len(orders) == 1:
                os.kill(victim, signal.SIGKILL)
        return taken

    monkeypatch.setattr(workers, "_send", sent)
    return victim, orders


def test_a_chunk_that_a_dead_worker_was_given_is_dealt_again(
    workers: LocalPool | RayPool, serial: SerialPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim, orders = dead_when_dealt(workers, monkeypatch)
    assert same(workers.generate(RUN, range(8)), serial.generate(RUN, range(8)))
    assert orders
    assert victim not in workers.processes


def size(generator: Generator) -> int:
    return len(generator.workload)


def test_a_measurement_that_a_dead_worker_was_given_is_made_by_another(
    workers: LocalPool | RayPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim, orders = dead_when_dealt(workers, monkeypatch)
    assert workers.measure(size) == len(SEARCH)
    assert orders
    assert victim not in workers.processes


def doomed(generator: Generator) -> int:
    """Makes the worker die on its next chunk. Returns its process id."""

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(Generator, "chunk", die)  # noqa: B010
    return os.getpid()


def test_a_worker_that_dies_at_work_costs_at_most_its_trial(
    workers: LocalPool | RayPool, serial: SerialPool
) -> None:
    victim = workers.measure(doomed)
    if not workers.retries:
        with pytest.raises(TrialError, match="ended unexpectedly"):
            workers.generate(RUN, range(8))
    assert same(workers.generate(RUN, range(8)), serial.generate(RUN, range(8)))
    assert victim not in workers.processes


def test_an_order_that_nobody_begins_is_not_handed_out_for_ever() -> None:
    deaths = Deaths()
    unbegun, begun = WorkerDied("It died.", begun=False), WorkerDied("It died.")
    assert not deaths.again(begun, retries=0)
    assert [deaths.again(unbegun, retries=0) for _ in range(3)] == [True, True, False]


@pytest.mark.slow
def test_a_worker_that_hangs_fails_its_trial_and_is_replaced(
    workers: LocalPool | RayPool, serial: SerialPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = workers.processes[0]
    os.kill(victim, signal.SIGSTOP)
    monkeypatch.setattr(workers, "_timeout_s", 20.0)
    with pytest.raises(TrialError, match=r"longer than launcher\.timeout=20s"):
        workers.generate(RUN, range(8))
    assert victim not in workers.processes
    assert same(workers.generate(RUN, range(8)), serial.generate(RUN, range(8)))


def test_no_workers_is_a_mistake(tiny_folder: Path) -> None:
    with pytest.raises(UserError, match=r"workers=0 is too small"):
        open_pool("local", tiny_folder, workers=0)


@pytest.mark.slow
@WITHOUT_RAY
def test_a_cluster_that_is_not_there_is_a_mistake(tiny_folder: Path) -> None:
    with pytest.raises(UserError, match=r"launcher\.address='127\.0\.0\.1:9'"):
        RayPool(tiny_config(tiny_folder), SEARCH, None, 1, address="127.0.0.1:9")


def test_ray_is_an_extra(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install 'dato\[ray\]'"):
        RayPool(tiny_config(tiny_folder), SEARCH, None, 1)
