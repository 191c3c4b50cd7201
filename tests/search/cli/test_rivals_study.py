"""Rivals in the life of a study: measured, killed, resumed, shared, audited, exported."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from search.cli.main import main
from search.errors import TrialError
from search.preparation import rivals as measuring
from search.records.files import load_result, load_rivals, save_result
from search.records.findings import findings
from search.records.folder import StudyFolder
from search.records.result import StudyResult
from tests.search.cli.test_study_life import SMALL

STUDY = (
    *SMALL,
    "budget.trials=4",
    "launcher=serial",
    "rivals.count=2",
    "quality.record=[]",
    "export.dominated=false",
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where rivals are kept beside the statistics."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


@pytest.fixture(scope="module")
def swept(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    folder = tmp_path_factory.mktemp("rivals") / "study"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        assert main(["sweep", "--plain", f"study.folder={folder}", *STUDY]) == 0
    return StudyFolder(folder)


def test_a_sweep_measures_three_samplers_with_fewer_steps(swept: StudyFolder) -> None:
    rivals = load_result(swept).rivals
    names = {rival.scheduler for rival in rivals}
    assert names == {
        "DDIMScheduler", "DPMSolverMultistepScheduler", "UniPCMultistepScheduler",
    }  # fmt: skip
    assert all(1 < rival.steps < 6 for rival in rivals)
    assert all(rival.quality.images == 4 and rival.quality.fid_reference > 0 for rival in rivals)
    assert all(rival.priced_speedup > 1 and rival.seconds > 0 for rival in rivals)


def test_the_one_that_takes_timesteps_is_measured_at_planned_ones_too(swept: StudyFolder) -> None:
    rivals = load_result(swept).rivals
    given = [rival for rival in rivals if rival.timesteps.source == "planned"]
    plain = [rival for rival in rivals if rival.scheduler == "DPMSolverMultistepScheduler"]
    counts = {rival.steps for rival in plain if rival.steps > 2}  # of two nothing is planned
    assert {(rival.scheduler, rival.steps) for rival in given} == {
        ("DPMSolverMultistepScheduler", steps) for steps in counts
    }
    assert all(len(rival.timesteps.values) == rival.calls for rival in given)


def test_those_that_no_other_dominates_are_audited_and_timed(swept: StudyFolder) -> None:
    rivals = load_result(swept).rivals
    audited = [rival for rival in rivals if rival.heldout is not None]
    assert 0 < len(audited) <= len(rivals)
    assert all(rival.heldout and rival.heldout.images == 4 for rival in audited)
    assert all((rival.timed_speedup is None) == (rival.heldout is None) for rival in rivals)


def test_the_table_and_the_page_show_them(
    swept: StudyFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["front", str(swept.root)]) == 0
    shown = capsys.readouterr().out
    for rival in load_result(swept).rivals:
        assert rival.name in shown
        assert rival.name in swept.report.read_text()


@pytest.mark.slow
def test_a_second_study_takes_over_what_the_first_one_measured(
    swept: StudyFolder, tmp_path: Path
) -> None:
    table = f"latency.tables=[{swept.cost_table}]"
    folder = tmp_path / "study"
    assert main(["sweep", "--plain", f"study.folder={folder}", *STUDY, table]) == 0
    found, known = load_result(StudyFolder(folder)).rivals, load_result(swept).rivals
    assert {r.name: r.quality.fid_reference for r in found} == {
        r.name: r.quality.fid_reference for r in known
    }
    assert all(rival.seconds == 0 for rival in found)


@pytest.mark.slow
def test_a_sweep_that_is_killed_among_its_rivals_goes_on_with_the_next(
    swept: StudyFolder, tmp_path: Path
) -> None:
    folder = StudyFolder(tmp_path / "study")
    seed = ("study.seed=5", f"latency.tables=[{swept.cost_table}]")
    process = subprocess.Popen(
        [sys.executable, "-m", "search", "sweep", "--plain", f"study.folder={folder.root}",
         *STUDY, *seed],
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("rival 3 of"):
            process.send_signal(signal.SIGKILL)
            break
    process.communicate(timeout=60)
    before = load_rivals(folder.rivals)
    assert len(before) == 2
    assert not folder.front.exists()
    assert main(["resume", "--plain", str(folder.root)]) == 0
    after = load_result(folder).rivals
    assert len(after) > 2
    kept = {rival.name: rival.quality.fid_reference for rival in after}
    still = [rival for rival in before if rival.name in kept]  # of two settings the better stays
    assert still
    assert all(kept[rival.name] == rival.quality.fid_reference for rival in still)


@pytest.mark.slow
def test_an_audit_judges_them_on_its_own_images(swept: StudyFolder, tmp_path: Path) -> None:
    folder = _copy(swept, tmp_path)
    assert main(["audit", str(folder.root), "--images", "8"]) == 0
    audited = [each for each in load_result(folder).rivals if each.heldout is not None]
    assert audited
    assert all(rival.heldout and rival.heldout.images == 8 for rival in audited)


@pytest.mark.slow
def test_a_study_from_before_there_were_rivals_is_audited_without(
    swept: StudyFolder, tmp_path: Path
) -> None:
    folder = _copy(swept, tmp_path)
    folder.rivals.unlink()
    text = folder.config.read_text()
    start = text.index("rivals:")
    folder.config.write_text(text[:start])  # with the group "export" behind it
    value = json.loads(folder.front.read_text())
    del value["rivals"], value["config"]["rivals"], value["config"]["export"]
    folder.front.write_text(json.dumps(value))
    assert main(["front", str(folder.root)]) == 0
    assert main(["audit", str(folder.root), "--images", "4"]) == 0
    assert load_result(folder).rivals == ()


@pytest.mark.slow
def test_such_a_study_gets_them_on_resume(swept: StudyFolder, tmp_path: Path) -> None:
    folder = _copy(swept, tmp_path)
    folder.rivals.unlink()
    assert main(
        ["resume", "--plain", str(folder.root), "rivals.samplers=[own]", "rivals.steps=[2]"]
    ) == 0  # fmt: skip
    assert [rival.name for rival in load_result(folder).rivals] == ["DDIM, 2 steps"]


def test_another_device_prices_them_anew(swept: StudyFolder, tmp_path: Path) -> None:
    table = json.loads(swept.cost_table.read_text())
    table["place"]["device"] = "Other"
    table["fixed_s"] *= 50
    other = tmp_path / "other.json"
    other.write_text(json.dumps(table))
    out = tmp_path / "retargeted"
    assert main(
        ["retarget", str(swept.root), "--table", str(other), "--out", str(out)]
    ) == 0  # fmt: skip
    found = load_result(StudyFolder(out)).rivals
    known = {rival.name: rival for rival in load_result(swept).rivals}
    assert {rival.name for rival in found} == set(known)
    assert all(rival.priced_speedup < known[rival.name].priced_speedup for rival in found)
    assert all(rival.timing is None for rival in found)


def test_dominated_members_become_presets_only_on_request(
    swept: StudyFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _copy(swept, tmp_path)
    save_result(_with_perfect_rival(load_result(folder)), folder)
    assert main(["export", str(folder.root)]) == 2
    assert "export.dominated=true" in capsys.readouterr().err
    assert main(["export", str(folder.root), "export.dominated=true"]) == 0
    assert len(list(folder.presets.glob("*.json"))) == len(load_result(folder).front)


@pytest.mark.slow
def test_a_sampler_that_does_not_fit_is_left_out_and_named(
    swept: StudyFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _copy(swept, tmp_path)
    samplers = "rivals.samplers=[own,FlowMatchEulerDiscreteScheduler]"
    assert main(["resume", "--plain", str(folder.root), samplers]) == 0
    said = capsys.readouterr().out
    assert "FlowMatchEulerDiscreteScheduler does not fit this model" in said


@pytest.mark.slow
def test_a_rival_whose_images_fail_costs_no_study(
    swept: StudyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _copy(swept, tmp_path)
    folder.rivals.unlink()

    def broken(*_: object) -> None:
        raise TrialError("The latents hold NaN or infinity.")

    monkeypatch.setattr(measuring, "_searched", broken)
    assert main(["resume", "--plain", str(folder.root)]) == 0
    assert load_result(folder).rivals == ()


def test_something_else_than_a_sampler_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(
        ["sweep", f"study.folder={tmp_path / 'study'}", *STUDY, "rivals.samplers=[DPM]"]
    ) == 2  # fmt: skip
    assert "'DPM' is not a sampler" in capsys.readouterr().err


@pytest.mark.slow
def test_the_last_lines_name_three_commands(
    swept: StudyFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["resume", "--plain", str(swept.root)]) == 0
    last = capsys.readouterr().out
    assert all(sentence in last for sentence in findings(load_result(swept)))
    for word in ("look:", "generate:", "ship:"):
        assert word in last


def _copy(study: StudyFolder, tmp_path: Path) -> StudyFolder:
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(study.root, folder)
    return StudyFolder(folder)


def _with_perfect_rival(result: StudyResult) -> StudyResult:
    from dataclasses import replace

    best = replace(
        result.rivals[0],
        priced_speedup=100.0,
        timed_speedup=100.0,
        quality=replace(result.rivals[0].quality, fid_reference=0.0),
        heldout=None,
        timing=None,
    )
    return replace(result, rivals=(best,))
