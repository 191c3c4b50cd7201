"""A sweep that cannot start says why before it measures, and leaves nothing behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from search.cli.main import main
from search.errors import UserError
from search.settings.compose import compose_config
from tests.search.cli.test_study_life import SMALL


def space_file(folder: Path, **changes: Any) -> Path:
    """The default space with ``changes``."""
    folder.mkdir(exist_ok=True)
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({**compose_config([]).space, **changes}))
    return path


def start(study: Path, *overrides: str) -> int:
    serial = [*SMALL, "launcher=serial", *overrides]
    return main(["sweep", "--plain", f"study.folder={study}", *serial])


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"tokens": {"protect": {"kind": ["float"]}}}, "is no kind of parameter"),
    ({"tokens": {"protect": {"kind": {"float": 1}}}}, "is no kind of parameter"),
    ({"cached": {"depth": {"kind": "int", "low": 1, "high": 13}}}, "Stop at 12"),
]


@pytest.mark.parametrize(("changes", "said"), MISTAKES)
def test_a_space_with_a_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], said: str
) -> None:
    space = space_file(tmp_path / "spaces", **changes)
    assert start(tmp_path / "studies" / "study", f"space={space}") == 2
    output = capsys.readouterr()
    assert said in output.err
    assert "cost table" not in output.out and "reference" not in output.out
    assert [path.name for path in tmp_path.iterdir()] == ["spaces"]


def test_whatever_it_has_measured_goes_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = tmp_path / "study"

    def refused(*_: object) -> None:
        assert {"cost_table.json", "driver.lock", "study.journal"} <= {
            path.name for path in study.iterdir()
        }
        raise UserError("warmstart.study='x' has nothing that the space can express.")

    monkeypatch.setattr("search.runs.sweep.first_trials", refused)
    assert start(study, "space=interval") == 2
    assert "warmstart.study='x'" in capsys.readouterr().err
    assert not study.exists()


def test_files_that_were_there_before_stay(tmp_path: Path) -> None:
    study = tmp_path / "study"
    (study / "latency").mkdir(parents=True)
    table = study / "latency" / "mine.json"
    table.write_text(json.dumps({}))
    assert start(study, f"space={space_file(tmp_path, x=1)}") == 2
    assert [path.name for path in study.iterdir()] == ["latency"]
    assert table.is_file()
