"""Whole sweeps of the embedded model on machines that misbehave."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from search.cli.main import main
from tests.search.cli.test_study_life import SMALL, records, sweep_process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PATIENCE_S = 300
OFFLINE = ["unshare", "--map-root-user", "--net"]


def wait_for(process: subprocess.Popen[str], trials: int) -> None:
    """Read what a sweep says until it has recorded so many trials."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(f"[{trials}/"):
            return


def sweep(folder: Path, *overrides: str, prefix: tuple[str, ...] = (), **variables: str) -> str:
    """Run a sweep of two trials to its end. Returns what it said on stderr."""
    command = [*prefix, sys.executable, "-m", "search", "sweep", "--plain"]
    small = [override for override in SMALL if not override.startswith("tracker")]
    done = subprocess.run(
        [*command, f"study.folder={folder}", *small, "budget.trials=2", *overrides],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=os.environ | variables,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "report.html").is_file()
    assert len(records(folder)) == 2
    return done.stderr


def test_a_second_driver_is_refused_and_ctrl_c_twice_is_as_good_as_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    process = sweep_process(folder, "budget.trials=50", "launcher.workers=2")
    wait_for(process, 1)
    assert main(["resume", str(folder)]) == 2
    assert "Another process is running the study" in capsys.readouterr().err
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)  # as a person would, who sees no answer yet
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, errors
    assert f"dato-search resume {folder}" in errors
    assert "Traceback" not in errors
    recorded = records(folder)
    assert main(["resume", str(folder), "--plain", "budget.trials=2"]) == 0
    assert records(folder)[: len(recorded)] == recorded


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare (util-linux)")
def test_a_machine_without_any_network(tmp_path: Path) -> None:
    if subprocess.run([*OFFLINE, "true"], capture_output=True).returncode:
        pytest.skip("this kernel lets nobody make a network namespace")
    errors = sweep(tmp_path / "study", "tracker=wandb", prefix=tuple(OFFLINE))
    assert "Tracking failed" not in errors
    assert list((tmp_path / "study" / "wandb").glob("offline-run-*"))


def test_a_tracker_that_cannot_be_reached(tmp_path: Path) -> None:
    errors = sweep(
        tmp_path / "study",
        "tracker=wandb",
        "tracker.mode=online",
        WANDB_MODE="online",
        WANDB_BASE_URL="http://127.0.0.1:9",
        WANDB_API_KEY="0" * 40,
    )
    assert "Tracking failed and is now off" in errors and "The study goes on." in errors
