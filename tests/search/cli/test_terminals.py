"""Whatever a terminal can show, a command ends as it does elsewhere."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from search.cli.main import main
from tests.search.recorded_study import make_result

ROOT = Path(__file__).parents[3]
FORECAST = str(ROOT / "tests" / "dato" / "golden" / "forecast.json")


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252", "utf-8"])
def test_a_strip_is_shown_in_any_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", output)
    assert main(["explain", FORECAST]) == 0
    output.flush()
    shown = output.buffer.getvalue().decode(encoding)
    assert "pocket/forecast" in shown
    assert "?" not in shown
    assert ("~~█" if encoding == "utf-8" else "~~#") in shown


def test_a_process_that_writes_ascii_ends_with_code_0() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "search", "explain", FORECAST],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()


def test_a_front_is_shown_in_any_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    from search.cli.console import wide_console
    from search.cli.plain_characters import show_on_any_terminal
    from search.report.front_table import front_table

    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", output)
    show_on_any_terminal()
    wide_console().print(front_table(make_result(name="étude \N{SNOWMAN} \udc80")))
    output.flush()
    shown = output.buffer.getvalue().decode("ascii")
    assert "etude ? ?" in shown
