"""Sweeps of the embedded model in jobs that share a study on a real PostgreSQL server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from search.cli.main import main
from search.jobs import run_jobs as slurm
from tests.faults.studies import records, running, waiting
from tests.postgres import PASSWORD, PostgresServer
from tests.search.cli.test_study_life import SMALL
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
pytest.importorskip("submitit")
PATIENCE_S = 400


def arguments(folder: Path, server: PostgresServer, *overrides: str) -> list[str]:
    storage = server.storage("5s")
    given = ["storage=postgres", f"storage.url={storage.url}", f"storage.study={storage.study}"]
    jobs = ["launcher=slurm", "launcher.executor=local", "storage.grace=5s"]
    return ["sweep", "--plain", f"study.folder={folder}", *SMALL, *given, *jobs, *overrides]


def workers_of(folder: Path) -> list[int]:
    """Processes that run the folder's jobs."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        ours = b"submitit.core._submit" in words and any(bytes(folder) in word for word in words)
        if ours and b"python" in words[0]:  # not srun, which is given the same words
            found.append(int(path.parent.name))
    return found


def rounds(folder: Path) -> int:
    """How often jobs were submitted."""
    return len(list((folder / "jobs").glob("jobs-*")))


def start(given: list[str], *before: str) -> subprocess.Popen[str]:
    """``dato-search`` in a session of its own; ``before``: a command that runs it."""
    return subprocess.Popen(
        [*before, sys.executable, "-m", "search", *given],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A test run that was started in the background would hand down an ignored SIGINT.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def at_trial(process: subprocess.Popen[str], number: int, fault: Callable[[], None]) -> str:
    """Do ``fault`` once that many trials were recorded; return what was printed until then."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith(f"[{number}/"):
            fault()
            return said
    raise AssertionError(f"it ended before: {said}")


def expect_whole(folder: Path, trials: int) -> None:
    """That many trials are recorded, a lost one is recorded by another trial or waits for its turn,
    and no schedule is evaluated twice."""
    known = records(folder)
    recorded = [record for record in known if not record.lost]
    assert len(recorded) == trials
    for record in known:
        if record.lost and record.params:  # without parameters nothing was proposed yet
            assert record.params in [*(other.params for other in recorded), *waiting(folder)]
    assert max(Counter(record.schedule for record in recorded if record.images).values()) == 1
    assert (folder / "report.html").is_file()


def expect_resumed(folder: Path) -> None:
    """``resume`` runs two further trials and keeps those that were recorded."""
    recorded = [record for record in records(folder) if not record.lost]
    assert recorded
    process = start(["resume", str(folder), "--plain", f"budget.trials={len(recorded) + 2}"])
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    expect_whole(folder, len(recorded) + 2)
    assert [record for record in records(folder) if record in recorded] == recorded


def test_a_job_killed_at_work_loses_no_trial_and_no_password_is_shown(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    folder = tmp_path / "study"
    given = arguments(folder, postgres, "launcher.workers=2", "budget.trials=8", "tracker=wandb")
    process = start(given)

    def kill_one() -> None:
        until(lambda: running(folder) == len(workers_of(folder)), "every job is at a trial")
        os.kill(workers_of(folder)[0], signal.SIGKILL)

    said = at_trial(process, 2, kill_one)
    out, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    expect_whole(folder, 8)
    assert PASSWORD not in said + out + errors
    for path in folder.rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path


def test_a_job_that_died_is_replaced_while_the_other_works(
    tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, seen = tmp_path / "study", []
    monkeypatch.setattr(slurm, "RENEW_S", 1.0)

    def kill_one() -> None:
        until(lambda: len(workers_of(folder)) == 2, "both jobs are there", PATIENCE_S)
        until(lambda: running(folder) == 2, "both are at a trial", PATIENCE_S)
        victim, survivor = workers_of(folder)
        os.kill(victim, signal.SIGKILL)
        until(
            lambda: rounds(folder) == 2 or survivor not in workers_of(folder),
            "it is replaced, or the other has ended",
            PATIENCE_S,
        )
        seen.append((rounds(folder), survivor in workers_of(folder)))

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    assert main(arguments(folder, postgres, "launcher.workers=2", "budget.trials=30")) == 0
    killer.join(10)
    assert seen == [(2, True)]
    expect_whole(folder, 30)


@pytest.mark.parametrize("reaches", [os.kill, os.killpg], ids=["the sweep", "the terminal's group"])
def test_ctrl_c_ends_jobs_of_this_machine_and_resume_goes_on(
    tmp_path: Path, postgres: PostgresServer, reaches: Callable[[int, int], None]
) -> None:
    folder = tmp_path / "study"
    process = start(arguments(folder, postgres, "launcher.workers=2", "budget.trials=50"))
    at_trial(process, 1, lambda: reaches(process.pid, signal.SIGINT))
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, errors
    # submitit's processes print after it, on the same terminal, that they were interrupted too.
    assert f"dato-search resume {folder}" in errors
    until(lambda: not workers_of(folder), "its jobs have ended")
    expect_resumed(folder)


def test_a_copy_of_a_study_joins_it_unless_it_is_measured_otherwise(
    tmp_path: Path, postgres: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = tmp_path / "jobs"
    assert main(arguments(jobs, postgres, "budget.trials=5", "launcher.executor=debug")) == 0
    copy = tmp_path / "copy"
    shutil.copytree(jobs, copy)
    assert main(["resume", str(copy), "--plain", "launcher.kind=serial", "budget.trials=6"]) == 0
    assert len(records(jobs)) == 6
    (copy / "cost_table.json").write_text(
        (copy / "cost_table.json").read_text().replace('"fixed_s": ', '"fixed_s": 1')
    )
    capsys.readouterr()
    assert main(["resume", str(copy), "--plain", "budget.trials=7"]) == 2
    assert "another cost table" in capsys.readouterr().err


def test_a_server_restarted_during_a_sweep_is_waited_for(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    folder = tmp_path / "study"
    given = arguments(folder, postgres, "launcher.workers=2", "budget.trials=6")
    process = start(given)

    def restart_twice() -> None:
        before = len(records(folder))
        postgres.restart("immediate")
        until(lambda: len(records(folder)) > before, "a trial is recorded again", PATIENCE_S)
        postgres.restart("fast")

    at_trial(process, 1, restart_twice)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    assert sum(not record.lost for record in records(folder)) == 6


def test_a_machine_without_slurm_is_told_so(
    tmp_path: Path,
    postgres: PostgresServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    given = arguments(tmp_path / "study", postgres, "launcher.executor=slurm", "budget.trials=1")
    assert main(given) == 2
    assert "no srun" in capsys.readouterr().err
