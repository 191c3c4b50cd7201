"""Files of a study are whole or absent, and a bad folder is explained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dato.files import replace_text
from search.errors import UserError
from search.records.folder import StudyFolder
from search.records.writing import write_json


def test_write_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "front.json"
    replace_text(target, "old")
    write_json(target, {"fid": 1.5})
    assert json.loads(target.read_text()) == {"fid": 1.5}
    assert [path.name for path in target.parent.iterdir()] == ["front.json"]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "front.json"
    replace_text(target, "old")
    with pytest.raises(UnicodeEncodeError):
        replace_text(target, "half \ud800")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["front.json"]


def test_nan_is_never_written_as_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", float("nan"))
    assert not list(tmp_path.iterdir())


def test_create_explains_an_unwritable_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot be written.*study\.folder"):
        StudyFolder.create(tmp_path / "file" / "study")


def test_open_refuses_a_folder_without_a_study(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not a study folder"):
        StudyFolder.open(tmp_path)
