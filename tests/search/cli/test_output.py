"""What a command does when nobody reads what it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TextIO, cast

import pytest

from search.cli.output import Output
from search.records.files import load_result
from search.records.folder import StudyFolder
from tests.search.cli.test_study_life import SMALL

ROOT = Path(__file__).parents[3]
EXPLAIN = "explain tests/dato/golden/forecast.json"
SWEEP = f"sweep --plain launcher.kind=serial budget.trials=3 {' '.join(SMALL)} rivals=off"

needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """A line of bash, in which ``dato`` is the command; its exit code is the command's."""
    command = f'dato() {{ "{sys.executable}" -m search "$@"; }}; {line}; exit ${{PIPESTATUS[0]}}'
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, env=env, timeout=300
    )


@pytest.mark.parametrize("command", [EXPLAIN, "--help", "diff pocket/fast pocket/balanced"])
@pytest.mark.parametrize("reader", ["| head -c 1", ">&-", "| true"])
def test_a_reader_that_goes_away_is_no_error(command: str, reader: str) -> None:
    done = shell(f"dato {command} {reader}")
    assert done.returncode == (1 if command.startswith("diff") else 0), done.stderr
    assert done.stderr == ""


@needs_full
@pytest.mark.parametrize("command", [EXPLAIN, "validate pocket/fast", "sweep --show"])
def test_output_that_cannot_be_written_is_one_sentence(command: str) -> None:
    done = shell(f"dato {command} > /dev/full")
    assert done.returncode == 2
    assert done.stderr == (
        "dato-search: Cannot write standard output: No space left on device. Send it to another "
        "place.\n"
    )


def test_the_first_line_that_nobody_reads_is_said_once(capfd: pytest.CaptureFixture[str]) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    output = Output(os.fdopen(writes, "w", buffering=1))
    output.goes_on = True
    for line in ("[1/3]", "[2/3]", "[3/3]"):
        print(line, file=cast(TextIO, output), flush=True)
    assert isinstance(output.lost, BrokenPipeError)
    assert capfd.readouterr().err == (
        "dato-search: standard output cannot be written any more (Broken pipe). The command goes "
        "on without it.\n"
    )
    output.close()  # what it held goes nowhere


def test_closed_standard_error_changes_nothing() -> None:
    done = shell(f"dato {EXPLAIN} 2>&-")
    assert done.returncode == 0
    assert "pocket/forecast" in done.stdout


@pytest.mark.slow
def test_a_sweep_goes_on_without_its_reader_and_says_so(tmp_path: Path) -> None:
    done = shell(f"dato {SWEEP} study.folder={tmp_path / 'study'} | sed /^.1.3/q")
    assert done.returncode == 0, done.stderr
    assert "[2/3]" not in done.stdout
    assert done.stderr == (
        "dato-search: standard output cannot be written any more (Broken pipe). The command goes "
        "on without it.\n"
    )
    assert len(load_result(StudyFolder(tmp_path / "study")).records) == 3


@pytest.mark.slow
@needs_full
def test_a_sweep_does_not_blame_its_folder_for_a_full_output(tmp_path: Path) -> None:
    done = shell(f"dato {SWEEP} study.folder={tmp_path / 'study'} > /dev/full")
    assert done.returncode == 2
    assert "Cannot write standard output" in done.stderr
    assert "Make room" not in done.stderr
    assert len(load_result(StudyFolder(tmp_path / "study")).records) == 3


@pytest.mark.parametrize(
    "command", ["generate --out x.png --prompt", "sweep", "explain", "report", "resume"]
)
def test_bytes_that_are_no_text_are_one_sentence(command: str) -> None:
    done = shell(f"dato {command} $'caf\\xe9'")
    assert done.returncode == 2
    assert done.stderr == (
        "dato-search: The argument 'caf\\udce9' has bytes that are no UTF-8 text, at character 4. "
        "Type it in a terminal that writes UTF-8, or rename the file.\n"
    )
