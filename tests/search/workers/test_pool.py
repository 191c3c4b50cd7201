"""Processes of this machine: they start once, say nothing, and never outlive their driver."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from search.errors import UserError
from search.model.generator import Generator
from search.records.base_sampler import UNPATCHED
from search.settings import LauncherSettings
from search.workers.local_pool import LocalPool
from search.workers.open_pool import open_pool
from search.workers.pool import SerialPool
from search.workers.process import WorkerProcess
from tests.search.model.tiny import SEARCH, STEPS, tiny_config
from tests.waiting import until


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
def test_missing_model_is_the_users_mistake(tiny_folder: Path) -> None:
    with pytest.raises(UserError, match="is not a folder"):
        LocalPool(tiny_config(tiny_folder, path="/no/such/folder"), SEARCH, None, workers=1)


def test_no_heldout_workload(generator: Generator) -> None:
    with pytest.raises(ValueError, match="without a held-out workload"):
        SerialPool(generator).generate(UNPATCHED, [0], heldout=True)


def test_the_driver_of_workers_loads_no_model(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[object] = []
    monkeypatch.setattr("search.workers.open_pool.Generator", lambda *parts: loaded.append(parts))
    launcher = LauncherSettings(kind="local", workers=1, timeout="10m")
    with open_pool(launcher, tiny_config(tiny_folder), SEARCH, None) as pool:
        assert len(pool.generate(UNPATCHED, range(2))) == 2
        assert pool.description.calls == STEPS
    assert not loaded


STARTED: list[int] = []


class Dying(LocalPool):
    """Its workers are killed before they have loaded the model."""

    def _start(self, number: int) -> WorkerProcess:
        STARTED.append(number)
        worker = super()._start(number)
        worker.process.kill()
        return worker


def test_workers_that_die_one_after_another_while_they_load_are_one_sentence(
    tiny_folder: Path,
) -> None:
    STARTED.clear()
    with pytest.raises(UserError, match=r"exit code -9.*loading the model, like the 2 that died"):
        Dying(tiny_config(tiny_folder), SEARCH, None, workers=1)
    assert STARTED == [0, 0, 0]


ORDERLY = """
import sys
from pathlib import Path
from search.records.base_sampler import UNPATCHED
from search.workers.local_pool import LocalPool
from tests.search.model.tiny import HELDOUT, SEARCH, tiny_config
if __name__ == "__main__":
    with LocalPool(tiny_config(Path(sys.argv[1])), SEARCH, HELDOUT, workers=1) as pool:
        pool.generate(UNPATCHED, range(4))
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
from search.records.base_sampler import Run
from search.workers.local_pool import LocalPool
from tests.search.model.tiny import HELDOUT, SEARCH, STEPS, tiny_config
if __name__ == "__main__":
    with LocalPool(tiny_config(Path(sys.argv[1])), SEARCH, HELDOUT, workers=1) as pool:
        print(*pool.processes, flush=True)
        while True:
            pool.generate(Run(Schedule.full(STEPS)), range(8))
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
        # A test run that was started in the background would hand down an ignored SIGINT.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert driver.stdout is not None
        workers = [int(pid) for pid in driver.stdout.readline().split()]
        assert len(workers) == 1
        os.killpg(driver.pid, sign) if sign is signal.SIGINT else driver.kill()
        _, errors = driver.communicate(timeout=200)
    finally:
        driver.kill()
    until(lambda: not any(map(alive, workers)), "its workers are gone")
    assert "Process worker" not in errors
    assert errors.count("Traceback") == (0 if sign is signal.SIGKILL else 1)
