"""A study on the embedded model through the command line: killed, resumed, looked at, shipped."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from search.cli.main import main
from search.latency.cost_file import load_cost_table
from search.records.files import load_result, members_from_json, save_result
from search.records.folder import StudyFolder
from search.settings.compose import load_config
from search.study.storage import read_study
from search.study.trial_records import read_records

SMALL = (
    "model.num_inference_steps=6",
    "model.batch_size=2",
    "quality.images=4",
    "quality.rung_images=2",
    "quality.heldout_images=4",
    "quality.heldout_members=2",
    "quality.real_images=64",
    "latency.repeats=1",
    "latency.budget_s=1",
    "latency.check_schedules=1",
    "warmstart.count=2",
    "tune.members=0",
    "export.dominated=true",  # in a run of six calls fewer steps often win
    "tracker=none",
)


def sweep_process(folder: Path, *overrides: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "search", "sweep", "--plain", f"study.folder={folder}"]
    return subprocess.Popen(
        [*command, *SMALL, *overrides],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        # A test run that was started in the background would hand down an ignored SIGINT.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def stop_after(process: subprocess.Popen[str], trials: int, how: signal.Signals) -> str:
    """Send ``how`` once the given number of trials was printed; returns what stderr said."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(f"[{trials}/"):
            process.send_signal(how)
            break
    _, errors = process.communicate(timeout=200)
    return errors


def records(folder: Path) -> list[tuple[str, float | None]]:
    config = load_config(StudyFolder(folder).config)
    study = read_study(StudyFolder(folder), config.storage)
    return [
        (record.state, record.quality.fid_reference if record.quality else None)
        for record in read_records(study)
        if not record.lost
    ]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that was killed with -9 after two trials, then resumed to its end."""
    folder = tmp_path_factory.mktemp("life") / "study"
    stop_after(sweep_process(folder, "budget.trials=6"), 2, signal.SIGKILL)
    before = records(folder)
    assert len(before) >= 2
    assert main(["resume", str(folder), "--plain", "launcher.kind=serial"]) == 0
    assert records(folder)[: len(before)] == before
    return folder


def test_a_killed_study_resumes_to_its_budget(finished: Path) -> None:
    assert len(records(finished)) == 6
    names = {path.name for path in finished.iterdir()}
    assert {"config.yaml", "cost_table.json", "trials.json", "front.json", "report.html"} <= names
    assert not [name for name in names if name.endswith(".tmp")]


def test_every_front_member_is_a_preset_that_is_valid_for_the_model(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    presets = sorted(str(path) for path in (finished / "presets").glob("*.json"))
    front = json.loads((finished / "front.json").read_text())["front"]
    assert len(presets) == len(front) >= 1
    assert main(["validate", "--model", "pocket", *presets]) == 0
    assert capsys.readouterr().out.count("valid, 6 calls, for pocket") == len(presets)


def test_a_preset_is_validated_with_its_own_sampler(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = json.loads(next((finished / "presets").glob("*.json")).read_text())
    content["sampler"] = {
        name: value
        for name, value in content["sampler"].items()
        if name not in ("settings", "other_settings")  # of another class
    }
    for scheduler in ("EulerDiscreteScheduler", "NoSuchScheduler"):
        content["sampler"]["scheduler"] = scheduler
        (tmp_path / f"{scheduler}.json").write_text(json.dumps(content))
    euler, unknown = (
        str(tmp_path / f"{name}.json") for name in ("EulerDiscreteScheduler", "NoSuchScheduler")
    )
    assert main(["validate", "--model", "pocket", euler, unknown]) == 2
    out, err = capsys.readouterr()
    assert euler in out and euler not in err
    assert "'NoSuchScheduler' is not a scheduler for this model" in err


def test_status_and_front_show_the_finished_study(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", str(finished)]) == 0
    out = capsys.readouterr().out
    assert "6 of 6 trials" in out
    assert re.search(r"\d\.\d\d images/s through model and metric, \d+\.\d% of that time", out)
    assert main(["front", str(finished), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    trials = json.loads((finished / "trials.json").read_text())["trials"]
    priced = [trials[row["trial"]]["latency_s"] for row in rows]
    assert priced == sorted(priced, reverse=True)
    assert main(["front", str(finished)]) == 0
    assert "unpatched" in capsys.readouterr().out


def test_export_copies_presets_and_report_is_rebuilt(finished: Path, tmp_path: Path) -> None:
    assert main(["export", str(finished), "--out", str(tmp_path / "out")]) == 0
    exported = {path.name for path in (tmp_path / "out").iterdir()}
    assert exported == {path.name for path in (finished / "presets").iterdir()}
    (finished / "report.html").unlink()
    assert main(["report", str(finished)]) == 0
    assert "<html" in (finished / "report.html").read_text()


def test_generate_writes_unpatched_and_preset_images(finished: Path, tmp_path: Path) -> None:
    preset = next(iter(sorted((finished / "presets").glob("*.json"))))
    prompts = ["a red circle on a white background", "a blue square on a black background"]
    arguments = ["generate", "--preset", str(preset), "--out", str(tmp_path / "grid.png")]
    for prompt in prompts:
        arguments += ["--prompt", prompt]
    assert main([*arguments, "--compare"]) == 0
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.size[0] == 2 * 256 + 3 * 8
        assert grid.size[1] > 2 * 256


def test_every_command_that_a_finished_sweep_advises_works(
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["resume", str(finished), "--plain", "launcher.kind=serial"]) == 0
    lines = capsys.readouterr().out.partition("What comes next:")[2].splitlines()
    advised = [shlex.split(line.partition(":")[2]) for line in lines if ":" in line]
    assert [command[0] for command in advised] == ["python", "dato-search", "dato-search"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BROWSER", "echo %s")
    look, *own = advised
    subprocess.run([sys.executable, *look[1:]], check=True)
    for command in own:
        assert main(command[1:]) == 0
    assert (tmp_path / "grid.png").is_file()
    assert [*(tmp_path / "my-presets").glob("*.json")]


def test_a_resumed_study_cannot_change_its_space(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["resume", str(finished), "space=layered"]) == 2
    assert "cannot be applied on resume" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["resume", "--plain"], ["audit", "--images", "8"]])
def test_a_study_whose_inputs_changed_is_refused_and_unchanged(
    finished: Path, tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    shutil.copytree(finished, study)
    kept = json.loads((study / "inputs.json").read_text())
    assert {"prompts", "denoiser", "model's vae", "model's text_encoder"} <= set(kept["inputs"])
    kept["inputs"]["model's vae"] = "sha256:0"
    (study / "inputs.json").write_text(json.dumps(kept))
    before = (study / "front.json").read_text()
    name, *options = command
    assert main([name, str(study), *options]) == 2
    assert "other inputs than there are now: the model's vae (model.path='pocket')" in (
        capsys.readouterr().err
    )
    assert (study / "front.json").read_text() == before


@pytest.mark.slow
def test_leftovers_of_a_sweep_that_never_began_are_not_measurements(tmp_path: Path) -> None:
    folder = StudyFolder.create(tmp_path / "study")
    folder.cost_table.write_text("{}")
    folder.journal.write_text("")
    arguments = ["sweep", "--plain", f"study.folder={folder.root}", "launcher.kind=serial"]
    assert main([*arguments, *SMALL, "budget.trials=1"]) == 0
    assert json.loads(folder.cost_table.read_text())["depth_s"]


def test_an_audit_judges_the_whole_front_and_presets_carry_its_numbers(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    shutil.copytree(finished, study)
    before = (study / "front.json").read_text()
    assert main(["audit", str(study), "--images", "2"]) == 2
    assert "fewer than the 4 images of the search" in capsys.readouterr().err
    assert main(["audit", str(study), "--images", "9"]) == 2
    assert main(["audit", str(study), "--repeats", "0"]) == 2
    assert (study / "front.json").read_text() == before

    capsys.readouterr()
    assert main(["audit", str(study), "--images", "8", "--seed", "7"]) == 0
    assert "On as many held-out images as the search used" in " ".join(
        capsys.readouterr().out.split()
    )
    front = json.loads((study / "front.json").read_text())
    assert front["front"] and len(front["front"]) == len(json.loads(before)["front"])
    for member in front["front"]:
        assert member["heldout"]["images"] == 8
        low, high = member["audit"]["reference_interval"]
        assert low <= member["heldout"]["fid_reference"] <= high
        preset = json.loads((study / "presets" / f"{member['name']}.json").read_text())
        assert preset["measured"]["images"] == 8
        assert preset["measured"]["fid"] == member["heldout"]["fid_real"]
    assert {path.stem for path in (study / "samples").glob("*.png")} == {
        "unpatched",
        *(member["name"] for member in front["front"]),
    }
    assert (study / "trials.json").read_text() == (finished / "trials.json").read_text()


def test_an_audit_of_some_members_judges_those_and_times_all(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    shutil.copytree(finished, study)
    front = load_result(StudyFolder(study)).front
    wanted = front[0]
    assert main(["audit", str(study), "--images", "8", "--members", "speedup-77x"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "the front has no member 'speedup-77x'" in said
    assert any(member.name in said for member in front)
    assert load_result(StudyFolder(study)).front == front

    assert main(["audit", str(study), "--images", "8", "--members", wanted.name]) == 0
    members = load_result(StudyFolder(study)).front
    judged = [member for member in members if member.heldout is not None]
    assert [member.record.number for member in judged] == [wanted.record.number]
    assert all(member.timing is not None for member in members)


def test_members_are_named_by_their_timed_speed_up_and_keep_the_names_that_people_know(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a study of an older version: named by the cost table, which was far off."""
    study = StudyFolder(tmp_path / "study")
    shutil.copytree(finished, study.root)
    known = load_result(study)
    priced = [replace(member, name=f"speedup-{70 + n}.0x") for n, member in enumerate(known.front)]
    save_result(replace(known, front=tuple(priced)), study)
    wanted = priced[-1]

    arguments = ["audit", str(study.root), "--images", "8", "--members"]
    assert main([*arguments, wanted.name]) == 0
    said = capsys.readouterr().out
    front = load_result(study).front
    (judged,) = (member for member in front if member.heldout is not None)
    assert judged.record.number == wanted.record.number
    assert judged.name.startswith(f"speedup-{judged.timed_speedup:.1f}x")
    assert f"{wanted.name} is now {judged.name}" in said
    assert {path.stem for path in study.presets.glob("*.json")} <= {each.name for each in front}
    assert {path.stem for path in study.samples.glob("*.png")} == {"unpatched", judged.name}

    assert main([*arguments, f"trial-{wanted.record.number}"]) == 0
    (again,) = (member for member in load_result(study).front if member.heldout is not None)
    assert again.record.number == wanted.record.number


def test_a_killed_audit_leaves_the_study_readable_and_goes_on(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    shutil.copytree(finished, study)
    before = (study / "front.json").read_text()
    process = subprocess.Popen(
        [sys.executable, "-m", "search", "audit", str(study), "--images", "8"],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(("held-out images of front member 2", "timing")):
            process.kill()
    process.communicate(timeout=200)
    assert (study / "front.json").read_text() == before
    assert main(["front", str(study)]) == 0
    kept = members_from_json(study / "audit" / "8-images-seed-0.json")
    assert kept
    assert main(["audit", str(study), "--images", "8"]) == 0
    audited = {m.record.number: m for m in load_result(StudyFolder(study)).front}
    for member in kept:
        assert audited[member.record.number].heldout == member.heldout


def test_a_finished_study_is_retargeted_without_an_image(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = json.loads((finished / "cost_table.json").read_text())
    table["place"]["device"] = "Another Device"
    table["depth_s"] = {depth: 2 * seconds for depth, seconds in table["depth_s"].items()}
    file, out = tmp_path / "other.json", tmp_path / "out"
    file.write_text(json.dumps(table))
    assert main(["retarget", str(finished), "--table", str(file), "--out", str(out)]) == 0
    presets = sorted((out / "presets").glob("*.json"))
    front = json.loads((out / "front.json").read_text())["front"]
    assert len(presets) == len(front) >= 1
    for preset in presets:
        measured = json.loads(preset.read_text())["measured"]
        assert measured["device"].startswith("Another Device, float32, batch 2 (latency predicted")
    assert main(["validate", "--model", "pocket", *map(str, presets)]) == 0

    table["work"]["calls"] = 50
    file.write_text(json.dumps(table))
    capsys.readouterr()
    assert main(["retarget", str(finished), "--table", str(file)]) == 2
    assert "calls 50, not 6" in capsys.readouterr().err
    file.write_text(json.dumps(table | {"work": None}))
    assert main(["retarget", str(finished), "--table", str(file)]) == 2
    assert main(["retarget", str(finished), "--table", str(file), "--out", str(finished)]) == 2


def test_calibrate_writes_a_table_that_says_its_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = [setting for setting in SMALL if setting.startswith(("model", "latency"))]
    path = tmp_path / "table.json"
    assert main(["cost-table", *settings, "latency.check_schedules=2", "--out", str(path)]) == 0
    assert "error on 2 random schedules" in capsys.readouterr().out
    table = load_cost_table(path)
    assert table.check is not None and table.check.schedules == 2
    assert table.name.endswith("-float32-b2-64x64")


@pytest.mark.slow
def test_an_impossible_constraint_ends_before_the_study_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    arguments = ["sweep", "--plain", f"study.folder={folder}", "launcher.kind=serial"]
    assert main([*arguments, *SMALL, "constraints.fid=<=baseline-1"]) == 2
    assert "no FID is below 0" in capsys.readouterr().err
    assert not (folder / "config.yaml").exists()


def test_ctrl_c_stops_cleanly_and_says_how_to_resume(tmp_path: Path) -> None:
    process = sweep_process(tmp_path / "study", "budget.trials=50", "launcher.kind=serial")
    errors = stop_after(process, 1, signal.SIGINT)
    assert process.returncode == 130, errors
    assert f"dato-search resume {tmp_path / 'study'}" in errors
    assert "Traceback" not in errors
    assert records(tmp_path / "study")
