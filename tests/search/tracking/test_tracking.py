"""Tracking: an offline run that reads back whole, inside the study folder, and never in the way."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from dato.preset import ModelInfo, SamplerInfo
from search.errors import UserError
from search.records.folder import StudyFolder
from search.records.members import member_speedup
from search.records.progress import metric_value
from search.records.result import StudyResult
from search.report.export import export_presets
from search.tracking.make import make_tracker
from search.tracking.summary import COLUMNS, FRONT_COLUMNS, front_row, roles, table_row, told
from search.tracking.tracker import NullTracker, Tracker
from search.tracking.wandb import WandbTracker
from search.tracking.wandb_folders import offline_runs, run_id
from tests.search.recorded_study import without_real
from tests.waiting import until

Draw = Callable[[StudyResult, StudyFolder], None]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own, to see what lands there; stops W&B's service afterwards."""
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("HOME", str(path))
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    yield path
    import wandb

    wandb.teardown()


def track(tracker: Tracker, result: StudyResult, folder: StudyFolder) -> None:
    tracker.start(name=result.name, config=result.config, folder=folder)
    for record in result.records:
        tracker.trial(record)
    tracker.finish(result, folder)


def read(folder: StudyFolder) -> list[dict[str, Any]]:
    """The records of the folder's one offline run, by W&B's own reader."""
    (run,) = offline_runs(folder)
    (log,) = run.glob("*.wandb")
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(log)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=200)
    return [json.loads(line) for line in done.stdout.splitlines()]


def history(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry["history"]["item"] for entry in entries if entry["type"] == "history"]


def assert_files_are_in(folder: StudyFolder, artifacts: list[dict[str, Any]]) -> None:
    """What `wandb sync` would upload of each artifact lies in the study folder, unchanged."""
    assert artifacts
    for artifact in artifacts:
        assert artifact["manifest"]["contents"]
        for entry in artifact["manifest"]["contents"]:
            if "ref" in entry:
                continue
            path = Path(entry["local_path"])
            assert path.resolve().is_relative_to(folder.root.resolve())
            digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).digest()
            assert base64.b64encode(digest).decode() == entry["digest"]


def test_an_offline_run_reads_back_whole(
    result: StudyResult, folder: StudyFolder, home: Path, with_samples: Draw
) -> None:
    with_samples(result, folder)
    model = ModelInfo("pocket", 12, "", (32, 32))
    sampler = SamplerInfo("DDIMScheduler", 50, 50, 3.0)
    export_presets(result, folder, model=model, sampler=sampler)
    before = dict(os.environ)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        track(make_tracker("wandb"), result, folder)
    assert set(os.environ) - set(before) <= {"WANDB_SERVICE"}
    assert list(home.iterdir()) == []

    entries = read(folder)
    config: dict[str, Any] = {}
    for entry in entries:
        config |= entry.get("config", {}).get("update", {}) or entry.get("run", {}).get(
            "config", {}
        ).get("update", {})
    assert config["model"] == result.config["model"]
    assert config["device"] == result.device
    metric = [entry["metric"] for entry in entries if entry["type"] == "metric"]
    assert any(m.get("glob_name") == "*" and m["step_metric"] == "trial" for m in metric)

    rows = [row for row in history(entries) if "state" in row]
    assert [row["trial"] for row in rows] == [record.number for record in result.records]
    for row, record in zip(rows, result.records, strict=True):
        assert row["state"] == record.state
        assert row["speedup"] == pytest.approx(record.speedup)
        assert ("fid_real" in row) == (record.quality is not None)
        assert row["rung"] == {"complete": 2, "pruned": 1, "fail": 0}[record.state]
    volumes = [row["front/hypervolume"] for row in rows]
    assert volumes == sorted(volumes)
    assert 0 < volumes[-1] < 1
    assert rows[-1]["front/size"] >= len(result.front)

    last = history(entries)[-1]
    assert last["trials.nrows"] == len(result.records)
    assert last["pareto_interactive._type"] == "plotly-file"
    assert last["samples.count"] == len(result.front) + 1
    assert "pareto_table.path" in last
    assert last["presets.nrows"] == len(result.front) + 1
    (table,) = folder.wandb.glob("offline-run-*/files/media/table/trials*.json")
    assert len(json.loads(table.read_text())["data"]) == len(result.records)

    found = [entry["artifact"] for entry in entries if entry["type"] == "artifact"]
    assert_files_are_in(folder, found)
    contents = [entry for artifact in found for entry in artifact["manifest"]["contents"]]
    uploads = {entry["path"]: Path(entry["local_path"]) for entry in contents}
    front = json.loads(uploads["presets.table.json"].read_text())
    lines = [dict(zip(front["columns"], line, strict=True)) for line in front["data"]]
    assert [line["preset"] for line in lines] == ["unpatched", *(m.name for m in result.front)]
    for line, member in zip(lines[1:], result.front, strict=True):
        sample = folder.samples / f"{member.name}.png"
        assert uploads[line["images"]["path"]].read_bytes() == sample.read_bytes()
        assert line["speedup"] == pytest.approx(member.timed_speedup)
        assert member.heldout
        assert line["heldout_fid"] == pytest.approx(member.heldout.fid_real)

    presets = [artifact for artifact in found if artifact["type"] == "preset"]
    assert len(presets) == len(result.front)
    assert {artifact["name"] for artifact in presets} == {f"pocket-joint-{run_id(folder)}-preset"}
    aliases = [alias for artifact in presets for alias in artifact["aliases"]]
    assert {aliases.count(alias) for alias in ("best-fid", "knee", "fastest")} == {1}
    for artifact, member in zip(presets, result.front, strict=True):
        assert member.name in artifact["aliases"]
        assert json.loads(artifact["metadata"])["trial"] == member.record.number
        assert artifact["manifest"]["contents"][0]["path"] == f"{member.name}.json"


def test_a_resumed_study_is_one_complete_run_of_the_same_id(
    result: StudyResult, folder: StudyFolder, home: Path
) -> None:
    first = make_tracker("wandb")
    first.start(name=result.name, config=result.config, folder=folder)
    for record in result.records[:7]:
        first.trial(record)
    killed = offline_runs(folder)
    began = int(time.time())
    until(lambda: int(time.time()) > began, "the next second, by which W&B names a run's folder")

    again = make_tracker("wandb")
    again.start(name=result.name, config=result.config, folder=folder)
    for record in result.records:
        again.trial(record)
    assert set(killed) < set(offline_runs(folder))
    again.finish(result, folder)

    (run,) = offline_runs(folder)
    run_id = (folder.wandb / "run-id").read_text().strip()
    assert run_id in run.name
    assert run_id in killed[0].name
    assert (folder.wandb / "superseded" / killed[0].name).is_dir()
    rows = [row for row in history(read(folder)) if "state" in row]
    assert [row["trial"] for row in rows] == [record.number for record in result.records]


def test_online_a_resumed_study_asks_for_the_same_run(
    result: StudyResult, folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def init(**options: Any) -> None:
        asked.append(options)
        raise ConnectionError

    monkeypatch.setattr("wandb.init", init)
    for _ in range(2):
        tracker = make_tracker("wandb", "online")
        with pytest.warns(RuntimeWarning, match="ConnectionError"):
            tracker.start(name=result.name, config=result.config, folder=folder)
    known = (folder.wandb / "run-id").read_text().strip()
    assert [(each["id"], each["resume"], each["mode"]) for each in asked] == [
        (known, "allow", "online")
    ] * 2


def test_a_failing_tracker_warns_once_and_the_study_goes_on(
    result: StudyResult, folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(WandbTracker, "_open", no_network)
    before = dict(os.environ)
    with pytest.warns(RuntimeWarning, match=r"no route to host.*tracker=none") as seen:
        track(make_tracker("wandb", "online"), result, folder)
    assert len(seen) == 1
    assert dict(os.environ) == before


def test_a_missing_wandb_is_no_reason_to_stop(
    result: StudyResult, folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.warns(RuntimeWarning, match="ModuleNotFoundError"):
        track(make_tracker("wandb"), result, folder)


def test_an_interruption_is_not_swallowed(folder: StudyFolder, result: StudyResult) -> None:
    tracker = WandbTracker(online=False, project="dato", entity=None)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    tracker._open = interrupt  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        tracker.start(name="x", config={}, folder=folder)


def test_unknown_names_list_the_valid_ones() -> None:
    with pytest.raises(UserError, match="Choose one of none, wandb"):
        make_tracker("tensorboard")
    with pytest.raises(UserError, match="offline, online"):
        make_tracker("wandb", "sometimes")


def test_no_tracking_writes_nothing(result: StudyResult, folder: StudyFolder) -> None:
    tracker = make_tracker("none")
    assert isinstance(tracker, NullTracker)
    track(tracker, result, folder)
    assert list(folder.root.iterdir()) == []


def test_every_configured_tracker_can_be_made() -> None:
    files = sorted((Path(__file__).parents[3] / "conf" / "tracker").glob("*.yaml"))
    assert [file.stem for file in files] == ["none", "wandb"]
    for file in files:
        make_tracker(**yaml.safe_load(file.read_text()))


def test_a_whole_speedup_names_the_best_member_that_reaches_it(result: StudyResult) -> None:
    named = {alias: name for name, aliases in roles(result).items() for alias in aliases}
    members = {member.name: member for member in result.front}
    fastest = max(member_speedup(member) or 0.0 for member in result.front)
    assert {f"speedup-{number}x" for number in range(2, int(fastest) + 1)} <= set(named)
    for number in range(2, int(fastest) + 1):
        chosen = members[named[f"speedup-{number}x"]]
        enough = [each for each in result.front if (member_speedup(each) or 0.0) >= number]
        fids = [metric_value(each.record.quality, result.objective) for each in enough]
        assert chosen in enough
        assert metric_value(chosen.record.quality, result.objective) == min(filter(None, fids))


def test_each_trial_has_a_run_of_its_own_once(
    result: StudyResult, folder: StudyFolder, home: Path
) -> None:
    few = replace(result, records=result.records[:2], front=())
    track(make_tracker("wandb", per_trial=True), few, folder)
    numbers = [record.number for record in few.records]
    names = [path.name for path in folder.wandb.glob("offline-run-*-trial-*")]
    assert sorted(name.rpartition("-")[2] for name in names) == sorted(map(str, numbers))
    track(make_tracker("wandb", per_trial=True), few, folder)
    assert [path.name for path in folder.wandb.glob("offline-run-*-trial-*")] == names
    (log,) = next(folder.wandb.glob(f"offline-run-*-trial-{numbers[0]}")).glob("*.wandb")
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(log)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=200)
    assert f'"trial-{numbers[0]}"' in done.stdout
    for name in few.records[0].params:
        assert name in done.stdout


def test_roles_of_a_front_of_one(result: StudyResult) -> None:
    alone = replace(result, front=result.front[:1])
    speedup = member_speedup(result.front[0])
    assert speedup is not None
    whole = tuple(f"speedup-{number}x" for number in range(2, int(speedup) + 1))
    assert roles(alone) == {result.front[0].name: ("best-fid", "knee", "fastest", *whole)}
    assert roles(replace(result, front=())) == {}


def test_tables_have_no_column_about_real_images_where_there_are_none(result: StudyResult) -> None:
    unreal = without_real(result)
    for names, row_of, lines in (
        (COLUMNS, table_row, [(record,) for record in unreal.records]),
        (FRONT_COLUMNS, front_row, [(member, unreal.objective) for member in unreal.front]),
    ):
        kept, rows = told(names, [row_of(*line) for line in lines])
        assert set(names) - set(kept) <= {"fid_real", "low", "high"} and "fid_real" not in kept
        assert all(len(row) == len(kept) for row in rows)
