"""Commands that only read files load no torch."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.cli.main import main
from search.records.files import save_result
from search.records.folder import StudyFolder
from search.records.writing import write_json
from search.settings.compose import compose_config, save_config
from search.study.storage import open_study
from search.study.trial_records import record_trial
from tests.search.recorded_study import make_result

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "experiments" / "study" / "cost_table.json"
HEAVY = ("torch", "diffusers", "transformers")


@pytest.fixture(scope="module", params=["finished", "running"])
def study(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("recorded") / "a study", request.param == "finished")


def recorded(root: Path, finished: bool = True) -> Path:
    """The folder of a study whose trials are made up."""
    folder = StudyFolder.create(root)
    config = compose_config([f"study.folder={root}", "quality.objective=fid_real"])
    folder.config.write_text(save_config(config), encoding="utf-8")
    shutil.copy(TABLE, folder.cost_table)
    write_json(folder.reference, {"version": 1, "fingerprint": "sha256:" + "0" * 64, "drift": []})
    result = make_result(trials=12)
    with_storage = open_study(folder, config.storage, config.sampler, 0)
    for record in result.records:
        record_trial(with_storage, with_storage.ask(), record, "fid_real")
    if finished:
        save_result(result, folder)
    return root


def commands(study: Path, out: Path) -> Iterator[list[str]]:
    yield ["explain", "pocket/fast", "--table", str(TABLE)]
    yield ["diff", "pocket/fast", "pocket/fast"]
    yield ["validate", "pocket/fast"]
    yield ["status", str(study)]
    yield ["front", str(study)]
    yield ["front", str(study), "--json"]
    yield ["export", str(study), "--out", str(out)]
    yield ["sweep", "--show"]


def test_commands_that_only_read_load_no_torch(study: Path, tmp_path: Path) -> None:
    code = f"""
import sys
from search.cli.main import main
for command in {[*commands(study, tmp_path)]!r}:
    assert main(command) == 0, command
    loaded = [name for name in {HEAVY!r} if name in sys.modules]
    assert not loaded, (command, loaded)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_presets_are_exported_from_a_study_that_cannot_be_written(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(study.rglob("*"))
    assert main(["export", str(study), "--out", str(tmp_path / "out")]) == 0
    shown = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert shown == sorted((tmp_path / "out").glob("*.json"), key=shown.index)
    assert sorted(study.rglob("*")) == before


@pytest.mark.parametrize("command", ["report", "export"])
def test_what_cannot_be_written_is_named(
    study: Path,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def read_only(source: Path, target: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(target))

    monkeypatch.setattr("dato.files.Path.replace", read_only)
    assert main([command, str(study)]) == 2
    said = capsys.readouterr().err
    assert f"Cannot write in the study folder {str(study)!r}: Read-only file system." in said
    assert "--out" in said or "copy it" in said
