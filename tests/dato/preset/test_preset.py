"""A preset file reads back as the value that was written, and looks as a person wants it."""

from __future__ import annotations

import dataclasses
import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given

from dato import errors
from dato.preset import Measured, Preset, json_schema
from dato.preset.info import Prompts
from dato.preset.words import measured_fid
from dato.preset.write import render
from dato.schedule import Kind, Schedule
from dato.slope import LINE, Slope
from dato.tuned import TunedSampler
from tests.strategies import presets

GOLDEN = Path(__file__).parents[1] / "golden"
WRITTEN_TODAY = ["forecast", "balanced_version_2", "karras", "slopes", "tuned"]
VERSION_1 = ["balanced", "pndm", "unpatched", "version_1"]


@given(presets())
def test_what_is_written_reads_back_equal(preset: Preset) -> None:
    text = preset.to_json()
    again = Preset.from_json(text)
    assert again == preset
    assert again.to_json() == text
    assert Preset.from_dict(preset.to_dict()) == preset
    assert pickle.loads(pickle.dumps(preset)) == preset
    assert hash(again) == hash(Preset.from_dict(preset.to_dict())) == hash(preset)
    assert {preset: 1}[again] == 1


@given(presets())
def test_a_preset_of_another_name_is_another_preset(preset: Preset) -> None:
    other = dataclasses.replace(preset, name=f"{preset.name}x")
    assert other != preset
    assert len({preset, other}) == 2


@pytest.mark.parametrize("name", WRITTEN_TODAY)
def test_golden_presets_are_written_byte_for_byte(name: str) -> None:
    text = (GOLDEN / f"{name}.json").read_text(encoding="utf-8")
    assert Preset.from_json(text).to_json() == text


def test_golden_balanced_means_what_it_says() -> None:
    preset = Preset.load(GOLDEN / "balanced.json")
    assert preset.name == "pocket/balanced"
    assert (preset.format, preset.version) == ("dato-preset", 2)
    assert preset.schedule.calls == preset.sampler.calls == 20
    assert preset.schedule.steps[:4] == ("full", "shallow", "shallow", "reuse")
    assert preset.schedule.kind(1) == Kind(1, {"up_blocks.3.attentions.2": 0.7})
    assert preset.model.latent_size == (32, 32)
    assert preset.measured == Measured(12.34, 0.183, 4.1, "cpu", 512, 11.9, 0.75)
    assert preset.provenance.versions["torch"] == "2.13.0"


def test_golden_forecast_means_what_it_says() -> None:
    schedule = Preset.load(GOLDEN / "forecast.json").schedule
    assert schedule.quantity == "epsilon"
    assert schedule.kind(1) == Kind(1, {"up_blocks.3.attentions.2": 0.7}, "linear")
    assert schedule.kind(6).forecast == "fitted"
    assert schedule.weights[7] == (2.5, -2.0, 0.75)
    assert schedule.weights[18] == (4.0, 1.0), "a sum far from 1 is the writer's to choose"


def test_a_preset_says_which_settings_its_sampler_has() -> None:
    preset = Preset.load(GOLDEN / "karras.json")
    assert preset.version == 3
    assert preset.sampler.settings == {"solver_order": 2, "use_karras_sigmas": True}
    assert "DPMSolverMultistepScheduler (solver_order=2, use_karras_sigmas=True)" in preset.card()
    assert "from_config(pipe.scheduler.config, solver_order=2," in preset.card()


def test_a_file_has_the_lowest_version_that_can_say_what_it_holds() -> None:
    preset = Preset.load(GOLDEN / "karras.json")
    plain = dataclasses.replace(preset.sampler, settings={})
    older = dataclasses.replace(preset, sampler=plain)
    assert older.schedule.slope == LINE
    assert older.version == older.to_dict()["version"] == 2
    assert "settings" not in older.to_json()
    assert Preset.from_dict(older.to_dict() | {"version": 3}) == older
    assert Preset.from_dict(older.to_dict() | {"version": 4}) == older


def test_golden_slopes_mean_what_they_say() -> None:
    preset = Preset.load(GOLDEN / "slopes.json")
    assert preset.version == 4
    assert preset.schedule.slope == Slope(0.4, 1.75)
    assert preset.measured
    said = preset.measured.fid_to, preset.measured.features, preset.measured.prompts
    assert said == ("real", "pocket", "held-out")
    card = preset.card()
    assert "512 images of held-out prompts:" in card
    assert "| FID to real images (pocket features) | 12.34 | 11.9 |" in card
    assert "Linear forecasts of outputs have slopes 0.4 to 1.75 over the run" in card


def test_a_slope_or_a_word_about_an_fid_is_what_needs_version_4() -> None:
    preset = Preset.load(GOLDEN / "slopes.json")
    assert preset.measured
    silent = dataclasses.replace(preset.measured, fid_to="", features="", prompts="")
    straight = dataclasses.replace(preset, schedule=preset.schedule.sloped(LINE))
    assert straight.version == 4
    assert dataclasses.replace(preset, measured=silent).version == 4
    older = dataclasses.replace(straight, measured=silent)
    assert older.version == 3
    said = {"slope", "fid_to", "features", "prompts", "prompt_count"}
    assert not said & set(older.to_json().split('"'))


@pytest.mark.parametrize(
    ("which", "count", "words"),
    [
        ("held-out", 3, "512 images of 3 held-out prompts"),
        ("searched", 1, "512 images of 1 searched prompt"),
        ("", 2, "512 images of 2 prompts"),
        ("held-out", 512, "512 images of held-out prompts"),
        ("held-out", 0, "512 images of held-out prompts"),
        ("", 0, "512 images"),
    ],
)
def test_fewer_prompts_than_images_are_said_beside_an_fid(
    which: Prompts, count: int, words: str
) -> None:
    preset = Preset.load(GOLDEN / "slopes.json")
    assert preset.measured
    measured = dataclasses.replace(preset.measured, prompts=which, prompt_count=count)
    few = dataclasses.replace(preset, measured=measured)
    assert Preset.from_json(few.to_json()) == few
    assert f"Measured on {measured.device}, {words}:" in few.card()
    assert f"({measured.features} features, {words})" in measured_fid(measured)


def test_golden_tuned_means_what_it_says() -> None:
    preset = Preset.load(GOLDEN / "tuned.json")
    assert preset.version == 4
    weights = ((1.0,), (1.5, -0.5), (1.75, -1.0, 0.25), (1.25, -0.25))
    assert preset.schedule.tuned == TunedSampler((999.0, 761.25, 402.5, 118.0), weights)
    assert preset.sampler.guidance_range == (1.5, 4.0)
    assert "and guidance 3 (tuned for 1.5 to 4)." in preset.card()
    assert "its 4 calls are at the timesteps 999, 761.25, 402.5, 118." in preset.card()
    assert pickle.loads(pickle.dumps(preset)) == preset
    assert hash(preset) != hash(dataclasses.replace(preset, schedule=Schedule.full(4)))


def test_presets_that_differ_in_their_slope_differ_there() -> None:
    preset = Preset.load(GOLDEN / "slopes.json")
    other = dataclasses.replace(preset, schedule=preset.schedule.sloped(Slope(0.4, 1.5)))
    assert [each.path for each in preset.diff(other)] == ["slope.late"]


def test_a_file_of_an_older_version_says_nothing_about_its_fid() -> None:
    preset = Preset.load(GOLDEN / "karras.json")
    assert preset.schedule.slope == LINE
    assert "| FID | 12.34 | 11.9 |" in preset.card()
    assert "512 images:" in preset.card()


@pytest.mark.parametrize("name", VERSION_1)
def test_version_1_files_stay_readable(name: str) -> None:
    """They hold what the denoiser returns and forecast nothing; these files are never edited."""
    text = (GOLDEN / f"{name}.json").read_text(encoding="utf-8")
    preset = Preset.from_json(text)
    assert preset.schedule.quantity == "output"
    assert {kind.forecast for kind in preset.schedule.kinds.values()} == {"hold"}
    assert not preset.schedule.weights
    again = preset.to_dict()
    assert again.pop("quantity") == "output"
    assert again | {"version": 1} == json.loads(text)
    assert Preset.from_json(preset.to_json()) == preset


def test_the_first_file_of_version_1_still_means_the_same() -> None:
    first = Preset.load(GOLDEN / "version_1.json")
    assert first == Preset.load(GOLDEN / "balanced.json")
    assert first == Preset.load(GOLDEN / "balanced_version_2.json")


def test_a_file_may_say_what_is_left_out() -> None:
    data = Preset.load(GOLDEN / "balanced_version_2.json").to_dict()
    kinds = {"reuse": {"depth": 0, "forecast": "hold", "prune": {}}}
    said = data | {"weights": {}, "kinds": data["kinds"] | kinds}  # type: ignore[operator]
    assert Preset.from_dict(said).to_dict() == data


def test_a_preset_without_measurements_says_null() -> None:
    preset = Preset.load(GOLDEN / "unpatched.json")
    assert preset.measured is None
    assert '"measured": null' in preset.to_json()


def test_equal_presets_give_equal_text_whatever_the_order_of_their_kinds() -> None:
    preset = Preset.load(GOLDEN / "balanced.json")
    turned = Schedule(
        dict(reversed(list(preset.schedule.kinds.items()))),
        preset.schedule.steps,
        preset.schedule.tokens,
        quantity=preset.schedule.quantity,
    )
    other = dataclasses.replace(preset, schedule=turned)
    assert other == preset
    assert other.to_json() == preset.to_json()


def test_whole_numbers_for_floats_are_the_same_preset() -> None:
    preset = Preset.load(GOLDEN / "unpatched.json")
    whole = dataclasses.replace(preset.sampler, guidance_scale=3)
    assert dataclasses.replace(preset, sampler=whole).to_json() == preset.to_json()


def test_lines_stay_short_and_steps_share_them() -> None:
    lines = Preset.load(GOLDEN / "pndm.json").to_json().splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) < 55


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "preset.json"
    good = Preset.load(GOLDEN / "balanced.json")
    good.save(path)
    measured = Measured(float("nan"), 1.0, 1.0, "cpu", 1, 1.0, 1.0)
    with pytest.raises(errors.NotFiniteError):
        dataclasses.replace(good, measured=measured).save(path)
    assert Preset.load(path) == good
    assert [file.name for file in path.parent.iterdir()] == ["preset.json"]


def test_a_preset_has_one_step_per_call() -> None:
    preset = Preset.load(GOLDEN / "balanced.json")
    with pytest.raises(errors.WrongLengthError, match="20 calls"):
        dataclasses.replace(preset, schedule=Schedule.full(19))


def test_no_kind_is_deeper_than_the_model() -> None:
    preset = Preset.load(GOLDEN / "balanced.json")
    with pytest.raises(errors.DepthError, match="skip_branches = 12"):
        dataclasses.replace(preset, schedule=Schedule.uniform(20, 2, depth=13))


def test_the_published_schema_is_that_of_the_reader() -> None:
    path = Path(__file__).parents[3] / "dato" / "presets" / "schema.json"
    text = path.read_text(encoding="utf-8")
    assert text == render(json_schema()) + "\n", f"write render(json_schema()) to {path.name}"
    keys = list(Preset.load(GOLDEN / "slopes.json").to_dict())
    properties = list(json.loads(text)["properties"])
    assert [key for key in properties if key not in ("weights", "tuned")] == keys
    assert set(properties) - set(json.loads(text)["required"]) == {"weights", "slope", "tuned"}


def test_a_value_that_fits_a_line_is_not_spread() -> None:
    assert render({"a": [1, 2], "b": {}}) == '{\n  "a": [1, 2],\n  "b": {}\n}'
    assert render({"a": [{"b": 1}] * 40}).count("\n") == 43
    assert json.loads(render({"a": [{"b": "é"}] * 40})) == {"a": [{"b": "é"}] * 40}


def test_a_card_says_in_plain_words_what_is_forecast() -> None:
    card = Preset.load(GOLDEN / "forecast.json").card()
    assert "| held | 10 | nothing | forecast with fitted weights | nothing |" in card
    assert "| shallow | 5 | 1 skip branch | forecast linearly |" in card
    assert "such as the predicted noise" in card
    assert "| nothing | reused | nothing |" in Preset.load(GOLDEN / "balanced.json").card()
