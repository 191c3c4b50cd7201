"""A skipped test fails a session in CI, unless its reason is listed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import unlisted

ROOT = Path(__file__).parents[1]

CONFTEST = """
import os
from tests.skips import NoOtherSkips

def pytest_configure(config):
    if os.environ.get("CI") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(NoOtherSkips())
"""
TESTS = """
import pytest

def test_of_something_else():
    pass

@pytest.mark.skip(reason={reason!r})
def test_of_something():
    raise AssertionError
"""


def session(
    folder: Path, reason: str, *, ci: bool, options: tuple[str, ...] = ()
) -> tuple[int, str]:
    """The exit code and output of a session with one passing and one skipped test."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(TESTS.format(reason=reason))
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"PYTHONPATH": str(ROOT)} | ({"CI": "true"} if ci else {})
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder),
         *options, str(folder)],
        capture_output=True, text=True, env=environment, cwd=folder,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "workers"])
def test_a_skip_that_is_not_listed_fails_a_session_in_ci(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    code, said = session(tmp_path, "needs a chromium", ci=True, options=options)
    assert code == 1
    assert "not on the list of tests/skips.py: test_it.py::test_of_something: " in said
    assert "needs a chromium" in said


def test_a_skip_that_is_listed_does_not(tmp_path: Path) -> None:
    assert session(tmp_path, "needs a CUDA device", ci=True)[0] == 0


def test_elsewhere_a_skip_is_no_fault(tmp_path: Path) -> None:
    assert session(tmp_path, "needs a chromium", ci=False)[0] == 0


def test_what_ci_installs_is_not_on_the_list() -> None:
    reasons = {"browser": "Skipped: needs a chromium", "server": "Skipped: needs initdb and pg_ctl"}
    assert unlisted(reasons) == reasons
