"""Sweeps of the embedded model in jobs of a real Slurm cluster, on a real PostgreSQL server."""

from __future__ import annotations

import os
import re
import signal
from functools import partial
from pathlib import Path

import pytest

from search.cli.main import main
from tests.faults.studies import records, running
from tests.faults.test_jobs import (
    PATIENCE_S,
    arguments,
    at_trial,
    expect_resumed,
    expect_whole,
    rounds,
    start,
    workers_of,
)
from tests.postgres import PASSWORD, PostgresServer
from tests.slurm import CPUS, KILL_WAIT_S, SlurmCluster
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
pytest.importorskip("submitit")


def slurm_arguments(folder: Path, server: PostgresServer, *overrides: str) -> list[str]:
    return arguments(folder, server, "launcher.executor=slurm", "launcher.workers=2", *overrides)


def kill_all(folder: Path) -> None:
    until(lambda: running(folder) == 2, "both jobs are at a trial")
    for pid in workers_of(folder):
        os.kill(pid, signal.SIGKILL)


def test_two_jobs_run_a_whole_sweep_and_show_no_password(
    tmp_path: Path, postgres: PostgresServer, slurm: SlurmCluster
) -> None:
    folder, planted = tmp_path / "my studies" / "study", tmp_path / "planted"
    folder.parent.mkdir()
    # A job's script has a line with the study's name.
    hostile = f'study.name="a\'\ntouch {planted}\n#"'
    given = slurm_arguments(folder, postgres, "budget.trials=8", "tracker=wandb", hostile)
    given = [word.replace(str(folder), f"'{folder}'") for word in given]  # it has a blank
    process = start(given)
    out, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    expect_whole(folder, 8)
    logs = [path.read_text() for path in folder.glob("jobs/*/*_log.out")]
    assert len(logs) == 2 and all("\ntrial " in log for log in logs)
    assert not slurm.queue() and not slurm.leftovers()
    assert not planted.exists()
    assert PASSWORD not in out + errors
    for path in folder.rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path


def test_jobs_that_are_killed_are_submitted_again(
    tmp_path: Path, postgres: PostgresServer, slurm: SlurmCluster
) -> None:
    folder = tmp_path / "study"
    process = start(slurm_arguments(folder, postgres, "budget.trials=8"))
    at_trial(process, 2, partial(kill_all, folder))
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    expect_whole(folder, 8)
    assert rounds(folder) == 2
    assert not slurm.queue() and not slurm.leftovers()


def test_a_job_that_is_cancelled_leaves_its_trial_to_the_other(
    tmp_path: Path, postgres: PostgresServer, slurm: SlurmCluster
) -> None:
    folder = tmp_path / "study"
    process = start(slurm_arguments(folder, postgres, "budget.trials=8"))
    at_trial(process, 2, lambda: slurm.cancel(slurm.queue()[0].split()[0]))
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    expect_whole(folder, 8)
    assert rounds(folder) <= 2  # its own job is replaced where there is time


def test_ctrl_c_cancels_the_jobs_and_resume_goes_on(
    tmp_path: Path, postgres: PostgresServer, slurm: SlurmCluster
) -> None:
    folder = tmp_path / "study"
    process = start(slurm_arguments(folder, postgres, "budget.trials=50"))
    at_trial(process, 1, partial(process.send_signal, signal.SIGINT))
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, errors
    assert f"dato-search resume {folder}" in errors
    assert "Traceback" not in errors
    until(
        lambda: not slurm.queue() and not slurm.leftovers(),
        "its jobs have ended",
        KILL_WAIT_S + 60,
        slurm.log,
    )
    expect_resumed(folder)


def test_jobs_outlive_a_sweep_that_is_killed_and_resume_counts_their_trials(
    tmp_path: Path, postgres: PostgresServer, slurm: SlurmCluster
) -> None:
    folder = tmp_path / "study"
    process = start(slurm_arguments(folder, postgres, "budget.trials=12"))
    at_trial(process, 1, process.kill)
    process.communicate(timeout=PATIENCE_S)
    before = len(records(folder))
    until(lambda: len(records(folder)) >= before + 2, "the jobs go on", log=slurm.log)
    assert len(slurm.queue()) == 2
    process = start(["resume", str(folder), "--plain"])
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    expect_whole(folder, 12)
    assert not slurm.queue() and not slurm.leftovers()


def test_a_node_that_dies_takes_no_trial_with_it(
    tmp_path: Path, postgres: PostgresServer, slurm: SlurmCluster
) -> None:
    folder = tmp_path / "study"
    whole_node = f"launcher.job.cpus={CPUS}"
    process = start(slurm_arguments(folder, postgres, "budget.trials=16", whole_node))
    at_trial(process, 2, partial(slurm.kill_node, "n2"))
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    expect_whole(folder, 16)
    assert rounds(folder) == 1
    slurm.start_node("n2")
    assert not slurm.queue() and not slurm.leftovers()


def test_a_sweep_does_not_wait_for_jobs_that_its_budget_has_no_work_for(
    tmp_path: Path, postgres: PostgresServer, slurm: SlurmCluster
) -> None:
    folder = tmp_path / "study"
    whole_node = f"--cpus-per-task={CPUS}"
    slurm.run("sbatch", whole_node, "--nodelist=n2", "--output=/dev/null", "--wrap=sleep 999")
    given = slurm_arguments(folder, postgres, "budget.trials=3", f"launcher.job.cpus={CPUS}")
    process = start(given)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    expect_whole(folder, 3)
    assert [line.split()[1:] for line in slurm.queue()] == [["RUNNING", "n2", "wrap"]]


def test_a_sweep_may_itself_be_a_step_of_a_job(
    tmp_path: Path, postgres: PostgresServer, slurm: SlurmCluster
) -> None:
    folder = tmp_path / "study"
    process = start(slurm_arguments(folder, postgres, "budget.trials=3"), "srun", "--mem=100")
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    expect_whole(folder, 3)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("launcher.job.partition=nowhere", "Invalid partition name"),
        ("launcher.job.constraint=fast", "Invalid feature"),
        ("launcher.job.gpus=1", "Invalid generic resource"),
        ("launcher.job.mem_gb=99", "node configuration is not available"),
    ],
)
def test_a_job_that_the_cluster_refuses_is_one_sentence(
    tmp_path: Path,
    postgres: PostgresServer,
    slurm: SlurmCluster,
    capfd: pytest.CaptureFixture[str],
    asked: str,
    said: str,
) -> None:
    given = slurm_arguments(tmp_path / "study", postgres, "budget.trials=1", asked)
    assert main(given) == 2
    errors = capfd.readouterr().err
    assert said in errors and asked.rpartition(".")[2] in errors
    assert re.fullmatch(r"dato-search: .*\n", errors)
    assert not slurm.queue()


def test_a_job_whose_minutes_are_up_ends_its_trial_and_another_job_follows(
    tmp_path: Path, postgres: PostgresServer, slurm: SlurmCluster
) -> None:
    folder = tmp_path / "study"
    # Slurm looks every half minute which jobs end within the next 90 seconds.
    few_minutes = ("launcher.workers=1", "launcher.job.minutes=3", "budget.trials=500")
    process = start(slurm_arguments(folder, postgres, *few_minutes))
    assert process.stdout is not None
    lines = (line for line in process.stdout if line.startswith("searching in "))
    assert next(lines) != next(lines)  # in another folder
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, errors
    known = records(folder)
    assert known and not any(record.lost for record in known)
