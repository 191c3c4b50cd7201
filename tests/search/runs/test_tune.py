"""Tuning is a stage of a sweep and a command: either adds trials that everything else knows of."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

import dato
from search.cli.main import main
from search.pocket import load_pipeline
from search.records.files import load_result
from search.records.findings import findings
from search.records.folder import StudyFolder
from search.records.result import StudyResult
from search.settings.compose import load_config
from tests.search.cli.test_study_life import SMALL

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

OPTIONS = (
    *(each for each in SMALL if not each.startswith("tune.")),
    *("budget.trials=4", "launcher=serial", "rivals=off", "quality.record=[]"),
    *("tune.members=1", "tune.iterations=1", "tune.images=4", "quality.rung_margin=1e9"),
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """Six calls; some are skipped."""
    folder = tmp_path_factory.mktemp("tuned") / "study"
    assert main(["sweep", "--plain", f"study.folder={folder}", *OPTIONS]) == 0
    return StudyFolder(folder)


@pytest.fixture
def copied(study: StudyFolder, tmp_path: Path) -> StudyFolder:
    shutil.copytree(study.root, tmp_path / "study")
    return StudyFolder(tmp_path / "study")


def untuned(result: StudyResult) -> int:
    """A trial of full and skipped calls that the sweep did not tune."""
    tuned = {each.tuned_from.trial for each in result.records if each.tuned_from}
    return next(
        record.number
        for record in result.records
        if record.schedule and not record.tuned_from and record.number not in tuned
        if {kind.depth for kind in record.schedule.kinds.values()} == {0, "full"}
        if record.number in {member.record.number for member in result.front}
    )


def test_a_sweep_tunes_a_member_after_its_search(study: StudyFolder) -> None:
    result = load_result(study)
    last = result.records[-1]
    assert len(result.records) == 5
    assert (last.origin, last.tuned_from is not None) == ("tuned", True)
    assert last.tuned_from is not None and last.tuned_from.cost > 4, (
        "four unpatched images and more"
    )
    assert any(str(last.tuned_from.trial) in sentence for sentence in findings(result))


def test_resuming_a_finished_study_tunes_nothing_again(
    copied: StudyFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    before = load_result(copied).records
    assert main(["resume", "--plain", str(copied.root)]) == 0
    assert "tuning" not in capsys.readouterr().out
    assert load_result(copied).records == before


def test_the_command_adds_a_member_that_an_audit_and_the_engine_take(
    copied: StudyFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    before = load_result(copied)
    trial = untuned(before)
    assert main(["tune", str(copied.root), "--members", f"trial-{trial}"]) == 0
    out = capsys.readouterr().out
    assert "FID to the unpatched images" in out
    after = load_result(copied)
    assert after.records[: len(before.records)] == before.records
    record = after.records[-1]
    assert record.tuned_from is not None and record.tuned_from.trial == trial
    heldout = {each.record.number: each.heldout for each in before.front}
    kept = [each for each in after.front if each.record.number in heldout]
    assert kept and all(each.heldout == heldout[each.record.number] for each in kept)
    tuned = [each for each in after.front if each.record.tuned_from is not None]
    assert tuned and all(each.name.startswith("tuned-") for each in tuned)
    name = f"trial-{tuned[0].record.number}"
    assert main(["audit", str(copied.root), "--members", name, "--repeats", "1"]) == 0
    (audited,) = (
        each for each in load_result(copied).front if each.record.number == tuned[0].record.number
    )
    assert audited.heldout is not None and audited.timed_speedup is not None
    preset = dato.load_preset(copied.presets / f"{audited.name}.json")
    assert preset.version == 4
    assert preset.sampler.num_inference_steps == preset.schedule.calls
    pipe = dato.apply(load_pipeline(), preset)
    assert dato.explain(pipe) == f"{preset.schedule.calls} computed calls at tuned timesteps."


def test_what_cannot_be_tuned_is_refused(
    study: StudyFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tune", str(study.root), "--members", "nobody"]) == 2
    assert "the front has no member 'nobody'" in capsys.readouterr().err
    assert main(["tune", str(study.root), "--iterations", "0"]) == 2
    assert "tune.iterations=0 is too small" in capsys.readouterr().err
    tuned = [each.name for each in load_result(study).front if each.record.tuned_from]
    for name in tuned:
        assert main(["tune", str(study.root), "--members", name]) == 2
        assert f"{name} is tuned" in capsys.readouterr().err


def test_a_study_from_before_tuning_tunes_nothing(study: StudyFolder, tmp_path: Path) -> None:
    values = yaml.safe_load(study.config.read_text())
    assert values.pop("tune")["members"] == 1
    older = tmp_path / "config.yaml"
    older.write_text(yaml.safe_dump(values))
    assert load_config(older).tune.members == 0
