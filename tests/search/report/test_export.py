"""The front as preset files: named by speed-up, complete, replaced as a whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dato import Kind, Schedule, TunedSampler
from dato.preset import ModelInfo, Preset, SamplerInfo
from search.records.base_sampler import Base
from search.records.folder import StudyFolder
from search.records.front import FrontMember
from search.records.members import member_name, member_names
from search.records.record import TrialRecord, TunedFrom
from search.records.result import StudyResult
from search.records.timesteps import Timesteps
from search.report.export import export_presets

MODEL = ModelInfo("pocket", 12, "sha256:" + "0" * 64, (32, 32))
SAMPLER = SamplerInfo("DDIMScheduler", 50, 50, 3.0)


TUNED = Schedule(
    {"full": Kind()},
    ("full", "full"),
    tuned=TunedSampler((999.0, 400.0), ((1.0,), (1.5, -0.5))),
)


def test_names_tell_the_speedup() -> None:
    assert member_name(4.1234) == "speedup-4.1x"
    assert member_name(4.1234, tuned=True) == "tuned-4.1x"
    records = [TrialRecord(0, "complete", "sampler", {}, speedup=2.04)] * 2
    records.append(replace(records[0], origin="tuned", tuned_from=TunedFrom(0, 3, 6)))
    members = [FrontMember("", record) for record in records]
    assert member_names(members) == ("speedup-2.0x", "speedup-2.0x-2", "tuned-2.0x")


def test_every_member_becomes_a_preset_that_loads(result: StudyResult, folder: StudyFolder) -> None:
    paths = export_presets(result, folder, model=MODEL, sampler=SAMPLER)
    assert [path.stem for path in paths] == [member.name for member in result.front]
    for path, member in zip(paths, result.front, strict=True):
        preset = Preset.load(path)
        assert preset.schedule == member.record.schedule
        assert preset.name == f"pocket-joint/{member.name}"
        assert (preset.model, preset.sampler) == (MODEL, SAMPLER)
        assert preset.provenance.trial == member.record.number
        assert dict(preset.provenance.versions) == result.versions


def test_a_preset_is_for_the_base_that_its_schedule_belongs_to(
    result: StudyResult, folder: StudyFolder
) -> None:
    base = Base("UniPCMultistepScheduler", 20, (("use_karras_sigmas", True),))
    first, *rest = result.front
    record = replace(first.record, schedule=Schedule.uniform(20, 2), base=base, unpatched_calls=50)
    based = replace(result, front=(replace(first, record=record), *rest))
    path, other, *_ = export_presets(based, folder, model=MODEL, sampler=SAMPLER)
    expected = SamplerInfo(base.scheduler, 20, 20, 3.0, {"use_karras_sigmas": True})
    assert Preset.load(path).sampler == expected
    assert Preset.load(other).sampler == SAMPLER
    said = "Unpatched is the model with DDIMScheduler and 50 steps."
    assert said in path.with_suffix(".md").read_text(encoding="utf-8")
    assert said not in other.with_suffix(".md").read_text(encoding="utf-8")


def test_a_tuned_preset_is_for_fewer_steps_of_the_sampler_that_it_was_tuned_on(
    result: StudyResult, folder: StudyFolder
) -> None:
    first, *rest = result.front
    base = Base("DDIMScheduler", 2)
    record = replace(
        first.record, number=len(result.records), origin="tuned", schedule=TUNED, base=base,
        unpatched_calls=50, tuned_from=TunedFrom(first.record.number, 3, 6, guidance=(1.5, 4.0)),
    )  # fmt: skip
    member = replace(first, name="tuned-4.0x", record=record)
    tuned = replace(result, records=(*result.records, record), front=(member, *rest))
    path, *_ = export_presets(tuned, folder, model=MODEL, sampler=SAMPLER)
    assert path.name == "tuned-4.0x.json"
    expected = replace(SAMPLER, num_inference_steps=2, calls=2, guidance_range=(1.5, 4.0))
    assert Preset.load(path).sampler == expected, "its settings are the study's"
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert (
        f"tuned-4.0x is trial {first.record.number} with timesteps and weights of its own" in card
    )
    export_presets(result, folder, model=MODEL, sampler=SAMPLER)
    assert not path.exists(), "an export removes those of an earlier one"


@pytest.mark.parametrize("steps", [2, 4])
def test_a_sampler_tuned_from_given_timesteps_leaves_those_behind(
    result: StudyResult, folder: StudyFolder, steps: int
) -> None:
    first, *rest = result.front
    given = Timesteps("planned", tuple(900.0 - 200 * step for step in range(steps)))
    start = Base("DPMSolverMultistepScheduler", steps, timesteps=given)
    before = replace(first.record, base=start, unpatched_calls=50)
    record = replace(
        before, number=len(result.records), origin="tuned", schedule=TUNED,
        base=Base("DPMSolverMultistepScheduler", 2), tuned_from=TunedFrom(before.number, 3, 6),
    )  # fmt: skip
    records = (before, *(each for each in result.records if each.number != before.number), record)
    member = replace(first, name="tuned-4.0x", record=record)
    tuned = replace(result, records=records, front=(member, *rest))
    path, *_ = export_presets(tuned, folder, model=MODEL, sampler=SAMPLER)
    sampler = Preset.load(path).sampler
    assert (sampler.num_inference_steps, sampler.timesteps) == (2, ())


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("pocket", "pipe = load_pipeline('pocket')"),
        ("pocket-flow", "pipe = load_pipeline('pocket-flow')"),
        ("someone/theirs", "from_pretrained('someone/theirs')"),
        ("models/mine", "from_pretrained('{here}/models/mine')"),
    ],
)
def test_a_card_loads_the_study_s_model_and_the_preset_beside_it(
    path: str,
    said: str,
    result: StudyResult,
    folder: StudyFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder is written whole: the card may be read in another folder than the sweep ran in."""
    (tmp_path / "models" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    known = replace(result, config={**result.config, "model": {"path": path}})
    (preset, *_) = export_presets(known, folder, model=MODEL, sampler=SAMPLER)
    card = preset.with_suffix(".md").read_text(encoding="utf-8")
    assert said.format(here=tmp_path) in card
    assert f"dato.apply(pipe, '{preset.name}')" in card


def test_the_audit_is_what_a_preset_promises(result: StudyResult, folder: StudyFolder) -> None:
    member, base = result.front[0], result.baseline
    (path, *_) = export_presets(result, folder, model=MODEL, sampler=SAMPLER)
    measured = Preset.load(path).measured
    assert measured
    assert member.heldout
    assert member.timing
    assert base
    assert base.heldout
    assert (measured.fid, measured.images) == (member.heldout.fid_real, 1024)
    assert measured.baseline_fid == base.heldout.fid_real
    assert base.timing
    assert measured.latency_s == member.timing.latency_s
    assert measured.device == result.device


def test_a_preset_says_which_fid_it_promises(result: StudyResult, folder: StudyFolder) -> None:
    pocket = replace(result, config={**result.config, "quality": {"features": "pocket"}})
    (path, *_) = export_presets(pocket, folder, model=MODEL, sampler=SAMPLER)
    measured = Preset.load(path).measured
    assert measured
    assert (measured.fid_to, measured.features, measured.prompts) == ("real", "pocket", "held-out")
    assert measured.prompt_count == 0, "the recorded study is from before it was kept"
    searched = replace(pocket, front=(replace(pocket.front[0], heldout=None),))
    (path, *_) = export_presets(searched, folder, model=MODEL, sampler=SAMPLER)
    measured = Preset.load(path).measured
    assert measured
    assert measured.prompts == "searched"
    quality = pocket.front[0].record.quality
    assert quality
    assert (measured.fid, measured.images) == (quality.fid_real, quality.images)
    few = replace(searched.front[0].record, quality=replace(quality, prompts=3))
    searched = replace(pocket, front=(replace(searched.front[0], record=few),))
    (path, *_) = export_presets(searched, folder, model=MODEL, sampler=SAMPLER)
    assert f"{quality.images} images of 3 searched prompts:" in Preset.load(path).card()


def test_a_preset_promises_the_speed_up_that_was_timed_in_turns(
    result: StudyResult, folder: StudyFolder
) -> None:
    result = replace(result, front=(replace(result.front[0], timed_speedup=1.79),))
    (path, *_) = export_presets(result, folder, model=MODEL, sampler=SAMPLER)
    measured = Preset.load(path).measured
    assert measured
    assert measured.speedup == 1.79
    assert measured.baseline_latency_s / measured.latency_s == pytest.approx(1.7518, abs=1e-4)


@pytest.mark.parametrize("whose", ["member", "baseline"])
def test_numbers_of_different_image_counts_are_never_paired(
    result: StudyResult, folder: StudyFolder, whose: str
) -> None:
    if whose == "member":
        result = replace(result, front=(replace(result.front[0], heldout=None, timing=None),))
    else:
        assert result.baseline
        result = replace(result, baseline=replace(result.baseline, heldout=None, timing=None))
    (path, *_) = export_presets(result, folder, model=MODEL, sampler=SAMPLER)
    measured = Preset.load(path).measured
    record = result.front[0].record
    assert measured
    assert record.quality
    assert (measured.fid, measured.images) == (record.quality.fid_real, 512)
    assert measured.baseline_fid == 18.42
    assert record.speedup
    assert measured.latency_s == record.latency_s
    assert measured.speedup == pytest.approx(record.speedup)


def test_without_a_baseline_nothing_is_promised(result: StudyResult, folder: StudyFolder) -> None:
    result = replace(result, baseline=None)
    paths = export_presets(result, folder, model=MODEL, sampler=SAMPLER)
    assert all(Preset.load(path).measured is None for path in paths)


def test_a_second_export_replaces_the_first_and_spares_other_files(
    result: StudyResult, folder: StudyFolder
) -> None:
    first = export_presets(result, folder, model=MODEL, sampler=SAMPLER)
    own = folder.presets / "my-favourite.json"
    own.write_text("{}")
    second = export_presets(
        replace(result, front=result.front[1:]), folder, model=MODEL, sampler=SAMPLER
    )
    cards = {path.with_suffix(".md") for path in second}
    assert set(folder.presets.iterdir()) == {own, *second, *cards}
    assert "speed-up" in second[0].with_suffix(".md").read_text()
    assert set(first) - set(second) == {first[0]}


def test_hostile_and_equal_names_stay_inside_the_folder(
    result: StudyResult, folder: StudyFolder
) -> None:
    names = ("../../x", "a/b", "a b", "A-B", "")
    front = tuple(replace(result.front[0], name=name) for name in names)
    result = replace(result, front=front, name="../<b>")
    paths = export_presets(result, folder, model=MODEL, sampler=SAMPLER)
    assert len({path.name.lower() for path in paths}) == len(names)
    assert all(path.parent == folder.presets and path.is_file() for path in paths)


def test_an_empty_front_exports_nothing(result: StudyResult, folder: StudyFolder) -> None:
    export_presets(result, folder, model=MODEL, sampler=SAMPLER)
    assert export_presets(replace(result, front=()), folder, model=MODEL, sampler=SAMPLER) == ()
    assert list(folder.presets.iterdir()) == []
