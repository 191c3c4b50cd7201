"""Where a command will write is looked at before it does what takes a while."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest
from optuna.exceptions import StorageInternalError

from search.cli import cost_table, generate, study
from search.cli.main import main
from search.errors import UserError
from search.records.folder import StudyFolder
from search.study.writable import writable
from tests.search.cli.test_reading_commands import recorded

NOWHERE = "/proc/nowhere"

needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")


def must_not_run(*_: object, **__: object) -> None:
    raise AssertionError("the place is looked at first")


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Commands that end with --out, whose work must not begin."""
    monkeypatch.setattr(generate, "PromptPipeline", must_not_run)
    monkeypatch.setattr(cost_table, "open_pool", must_not_run)
    monkeypatch.setattr(study, "write_presets", must_not_run)
    return {
        "generate": ["generate", "--prompt", "x", "--out"],
        "cost-table": ["cost-table", "--out"],
        "export": ["export", str(recorded(tmp_path / "study")), "--out"],
    }


@pytest.mark.parametrize(
    ("command", "kind"),
    [("generate", "x.png"), ("generate", "x"), ("cost-table", "x.json"), ("export", "x")],
)
@pytest.mark.parametrize("above", ["file", pytest.param(NOWHERE, marks=needs_proc)])
def test_a_place_that_cannot_be_written_is_seen_first(
    commands: dict[str, list[str]],
    command: str,
    kind: str,
    above: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("in the way")
    out = str(tmp_path / above / kind)
    assert main([*commands[command], out]) == 2
    said = capsys.readouterr().err
    assert f"--out={out!r}" in said
    assert said.count("\n") == 1
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.parametrize(("command", "name"), [("generate", "file"), ("export", "file.d")])
def test_a_file_is_no_folder(
    commands: dict[str, list[str]],
    command: str,
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / name).write_text("in the way")
    assert main([*commands[command], str(tmp_path / name)]) == 2
    assert f"--out='{tmp_path / name}' is a file. Give a folder" in capsys.readouterr().err


def test_a_folder_is_no_file(
    commands: dict[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*commands["cost-table"], str(tmp_path)]) == 2
    assert "is a folder. Give the name of a file." in capsys.readouterr().err


def os_error(number: int, path: Path | None = None) -> OSError:
    return OSError(number, os.strerror(number), None if path is None else str(path))


def of_sqlite(words: str) -> StorageInternalError:
    error = StorageInternalError("An exception is raised during the commit.")
    error.__cause__ = sqlite3.OperationalError(words)
    return error


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (os_error(errno.ENOSPC), "Make room"),
        (os_error(errno.EDQUOT), "Make room"),
        (os_error(errno.EROFS), "Make it writable, or copy it"),
        (os_error(errno.EACCES), "Make it writable, or copy it"),
        (of_sqlite("attempt to write a readonly database"), "Make it writable, or copy it"),
        (of_sqlite("database or disk is full"), "Make room"),
    ],
)
def test_the_remedy_is_that_of_the_reason(tmp_path: Path, error: Exception, remedy: str) -> None:
    folder = StudyFolder(recorded(tmp_path / "study"))
    with pytest.raises(UserError, match="Cannot write the study") as caught, writable(folder):
        raise error
    assert remedy in str(caught.value)
    assert folder.go_on in str(caught.value)
    assert ("Make room" in str(caught.value)) == (remedy == "Make room")


def test_a_file_elsewhere_is_not_blamed_on_the_study(tmp_path: Path) -> None:
    folder = StudyFolder(recorded(tmp_path / "study"))
    elsewhere = os_error(errno.EACCES, tmp_path / "real" / "0.png")
    with pytest.raises(PermissionError) as caught, writable(folder):
        raise elsewhere
    assert caught.value is elsewhere
    with pytest.raises(UserError, match="Cannot write the study"), writable(folder):
        raise os_error(errno.EACCES, folder.journal)


def test_a_command_s_earlier_name_works_and_says_the_new_one(
    commands: dict[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "'dato-search calibrate' is now called 'cost-table'." in said
    assert "is a folder. Give the name of a file." in said
