"""Pools: same bits as serial, errors, deaths, and no worker outlives its driver."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from dato import Kind, Schedule
from search.errors import TrialError, UserError
from search.evaluate.generate import Generator, Images, join
from search.launch.pool import SerialPool
from search.launch.pool_local import LocalPool
from tests.search.evaluate.tiny import HELDOUT, SEARCH, STEPS, tiny_config

SCHEDULE = Schedule.uniform(STEPS, interval=3, depth=1, prune={"level_0": 0.5})


@pytest.fixture(scope="module")
def local(tiny_folder: Path) -> Iterator[LocalPool]:
    with LocalPool(tiny_config(tiny_folder), SEARCH, HELDOUT, workers=2) as pool:
        yield pool


@pytest.fixture(scope="module")
def serial(generator: Generator) -> SerialPool:
    return SerialPool(generator, HELDOUT)


def same(a: Images, b: Images) -> bool:
    return torch.equal(a.pixels, b.pixels) and torch.equal(a.latents, b.latents)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pids: list[int], patience: float = 20) -> bool:
    end = time.monotonic() + patience
    while time.monotonic() < end and any(map(alive, pids)):
        time.sleep(0.1)
    return not any(map(alive, pids))


def test_same_bits_as_serial(local: LocalPool, serial: SerialPool) -> None:
    assert same(local.generate(SCHEDULE, range(8)), serial.generate(SCHEDULE, range(8)))
    assert same(local.generate(None, [5, 0]), serial.generate(None, [5, 0]))


def test_heldout_workload(local: LocalPool, serial: SerialPool) -> None:
    held = serial.generate(SCHEDULE, range(4), heldout=True)
    assert same(local.generate(SCHEDULE, range(4), heldout=True), held)
    assert not same(held, serial.generate(SCHEDULE, range(4)))


def test_rungs(local: LocalPool) -> None:
    parts = [local.generate(SCHEDULE, range(2)), local.generate(SCHEDULE, range(2, 8))]
    assert same(local.generate(SCHEDULE, range(8)), join(parts))


def test_trial_error_is_raised_in_the_driver(local: LocalPool, serial: SerialPool) -> None:
    bad = Schedule({"full": Kind(), "x": Kind(99)}, ("full",) + ("x",) * (STEPS - 1))
    before = local.processes
    with pytest.raises(TrialError, match="skip branches"):
        local.generate(bad, range(8))
    assert local.processes == before
    assert same(local.generate(SCHEDULE, range(8)), serial.generate(SCHEDULE, range(8)))


def test_worker_killed_while_idle_is_replaced(local: LocalPool, serial: SerialPool) -> None:
    victim = local.processes[0]
    os.kill(victim, signal.SIGKILL)
    while victim in [child.pid for child in multiprocessing.active_children()]:
        time.sleep(0.1)
    assert same(local.generate(SCHEDULE, range(8)), serial.generate(SCHEDULE, range(8)))
    assert victim not in local.processes


def test_worker_killed_at_work_fails_the_trial(local: LocalPool, serial: SerialPool) -> None:
    victim = local.processes[1]
    os.kill(victim, signal.SIGSTOP)
    killer = subprocess.Popen(["sh", "-c", f"sleep 1; kill -9 {victim}"])
    with pytest.raises(TrialError, match=r"ended unexpectedly \(exit code -9"):
        local.generate(SCHEDULE, range(8))
    killer.wait()
    assert same(local.generate(SCHEDULE, range(8)), serial.generate(SCHEDULE, range(8)))


def test_no_workers_is_a_mistake(tiny_folder: Path) -> None:
    with pytest.raises(UserError, match="at least 1; found 0"):
        LocalPool(tiny_config(tiny_folder), SEARCH, None, workers=0)


@pytest.mark.slow
def test_missing_model_is_the_users_mistake(tiny_folder: Path) -> None:
    with pytest.raises(UserError, match="is not a folder"):
        LocalPool(tiny_config(tiny_folder, path="/no/such/folder"), SEARCH, None, workers=1)


def test_no_heldout_workload(generator: Generator) -> None:
    with pytest.raises(ValueError, match="without a held-out workload"):
        SerialPool(generator).generate(None, [0], heldout=True)


ORDERLY = """
import sys
from pathlib import Path
from search.launch.pool_local import LocalPool
from tests.search.evaluate.tiny import HELDOUT, SEARCH, tiny_config
if __name__ == "__main__":
    with LocalPool(tiny_config(Path(sys.argv[1])), SEARCH, HELDOUT, workers=1) as pool:
        pool.generate(None, range(4))
"""


def test_an_orderly_end_says_nothing(tiny_folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(ORDERLY)
    done = subprocess.run(
        [sys.executable, str(script), str(tiny_folder)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
    )
    assert (done.returncode, done.stderr) == (0, "")


DRIVER = """
import sys
from pathlib import Path
from dato import Schedule
from search.launch.pool_local import LocalPool
from tests.search.evaluate.tiny import HELDOUT, SEARCH, STEPS, tiny_config
if __name__ == "__main__":
    with LocalPool(tiny_config(Path(sys.argv[1])), SEARCH, HELDOUT, workers=1) as pool:
        print(*pool.processes, flush=True)
        while True:
            pool.generate(Schedule.full(STEPS), range(8))
"""


@pytest.mark.parametrize(
    "sign", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_no_worker_outlives_its_driver(
    tiny_folder: Path, tmp_path: Path, sign: signal.Signals
) -> None:
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    driver = subprocess.Popen(
        [sys.executable, str(script), str(tiny_folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
        start_new_session=True,
    )
    assert driver.stdout is not None
    workers = [int(pid) for pid in driver.stdout.readline().split()]
    assert len(workers) == 1
    if sign is signal.SIGKILL:
        driver.kill()
    else:
        os.killpg(driver.pid, sign)
    _, errors = driver.communicate(timeout=30)
    assert gone(workers)
    assert "Process worker" not in errors
    assert errors.count("Traceback") == (0 if sign is signal.SIGKILL else 1)
