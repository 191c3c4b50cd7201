"""A per-call study starts from what was planned, and from another study's front."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from search.calibration.table import Calibration
from search.cli.main import main
from search.records.files import load_result
from search.records.folder import StudyFolder
from search.records.record import TrialRecord
from search.settings.compose import load_config
from search.space.language import SLOPE
from search.starts.slopes import CANDIDATES
from search.study.storage import read_study
from search.study.trial_records import read_records
from tests.search.cli.test_study_life import SMALL

pytestmark = pytest.mark.slow

SERIAL = ("launcher.kind=serial", "--plain")


def sweep(folder: Path, *overrides: str) -> int:
    return main(["sweep", *SERIAL, f"study.folder={folder}", *SMALL, *overrides])


def records(folder: Path) -> tuple[TrialRecord, ...]:
    study = StudyFolder(folder)
    return read_records(read_study(study, load_config(study.config).storage))


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planned") / "study"
    assert (
        sweep(
            folder, "space=per_call", "warmstart.count=0", "warmstart.optimal=3", "budget.trials=8"
        )
        == 0
    )
    return folder


def test_planned_schedules_follow_the_unpatched_one_the_fastest_first(planned: Path) -> None:
    first, *rest = records(planned)
    assert first.origin == "baseline"
    assert [record.origin for record in rest[:4]] == ["warmstart"] * 4
    speedups = [record.speedup or 0.0 for record in rest[:3]]
    assert speedups == sorted(speedups, reverse=True)
    assert all(record.origin != "warmstart" for record in rest[4:])


def test_the_result_says_how_well_predicted_damage_ranked(planned: Path) -> None:
    rank = load_result(StudyFolder(planned)).damage_rank
    assert rank is not None
    assert -1 <= rank <= 1
    assert "rank of predicted damage" in (planned / "report.html").read_text(encoding="utf-8")


def test_a_resumed_study_does_not_calibrate_again(planned: Path) -> None:
    path = StudyFolder(planned).calibration
    before, written = Calibration.load(path), path.stat().st_mtime_ns
    assert main(["resume", str(planned), "budget.trials=9", *SERIAL]) == 0
    assert path.stat().st_mtime_ns == written
    assert before.calls == 6
    assert len(records(planned)) == 9


def test_a_study_starts_from_another_s_front(planned: Path, tmp_path: Path) -> None:
    front = json.loads((planned / "front.json").read_text(encoding="utf-8"))["front"]
    overrides = ("space=per_call", "warmstart=none", f"warmstart.study={planned}")
    assert sweep(tmp_path / "next", *overrides, f"budget.trials={len(front) + 1}") == 0
    tried = {record.schedule for record in records(tmp_path / "next")[1:]}
    others = {record.schedule for record in records(planned)}
    assert tried <= others


def test_a_front_that_the_space_cannot_express_is_a_mistake(
    planned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides = (f"warmstart.study={planned}", "model.num_inference_steps=8", "budget.trials=2")
    assert sweep(tmp_path / "other", "space=per_call", *overrides) == 2
    said = capsys.readouterr().err
    assert "can take none of them for 8 calls: they make 6 calls. Give a study of the" in said
    assert "space=per_call" not in said, "which would not help"


def test_planned_starts_take_the_best_slopes_that_were_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "sloped"
    overrides = ("space=planned", "warmstart.count=0", "warmstart.optimal=3", "budget.trials=4")
    assert sweep(folder, *overrides) == 0
    assert f"slopes of planned starts: {len(CANDIDATES)} tried" in capsys.readouterr().out
    starts = [own.params for own in records(folder) if own.origin == "warmstart"]
    slopes = {tuple(own[f"forecast.slope.{end}"] for end in SLOPE) for own in starts}
    assert len(slopes) <= 2  # one pair for the faster half, one for the slower
    assert slopes <= {(own.early, own.late) for own in CANDIDATES}
    assert main(["resume", str(folder), "budget.trials=9", *SERIAL]) == 0
    assert "slopes of planned starts" not in capsys.readouterr().out
