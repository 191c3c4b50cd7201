"""Every file in ``hostile/`` is refused with the error of the one rule that it breaks."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

import pytest

from dato import errors
from dato.preset import Preset

FOLDER = Path(__file__).parents[1] / "hostile"

EXPECTED: dict[type[errors.DatoError], str] = {
    errors.DepthError: """
        depth_beyond_the_model fraction_as_depth negative_depth null_depth
        truth_value_as_depth word_as_depth
    """,
    errors.DuplicateKeyError: """
        duplicate_key duplicate_kind setting_twice weights_key_twice
    """,
    errors.EmptyScheduleError: """
        kinds_empty steps_empty
    """,
    errors.FirstCallError: """
        first_call_not_full
    """,
    errors.ForecastError: """
        forecast_on_a_full_kind weights_for_a_call_that_is_not_fitted
        weights_key_beyond_the_calls weights_missing weights_more_than_values
    """,
    errors.GuidanceError: """
        guidance_range_upside_down guidance_range_without_the_scale
    """,
    errors.MissingKeyError: """
        missing_measured missing_steps quantity_missing slope_without_late
    """,
    errors.NewerVersionError: """
        newer_version
    """,
    errors.NotFiniteError: """
        infinity nan overflow slope_nan tuned_timestep_nan weights_infinity weights_nan
    """,
    errors.NotJsonError: """
        byte_order_mark comment empty latin1 list null number pickle trailing_text truncated
        utf16 yaml_tag
    """,
    errors.RatioError: """
        ratio_above_limit ratio_negative reuse_that_prunes
    """,
    errors.SlopeError: """
        slope_of_nothing slope_too_steep
    """,
    errors.TimestepsError: """
        sampler_timestep_negative sampler_timesteps_and_tuned sampler_timesteps_rise
        tuned_timestep_negative tuned_timesteps_rise
    """,
    errors.TokensError: """
        noise_negative patch_of_one patch_zero protect_above_one
    """,
    errors.TooLargeError: """
        deeply_nested huge_integer nineteen_digits settings_too_many
    """,
    errors.TunedError: """
        tuned_calls tuned_first_weight tuned_outputs_as_they_are tuned_that_skips
        tuned_weights_of_no_output tuned_weights_of_other_calls
    """,
    errors.TypeRuleError: """
        calls_zero features_number fid_negative fid_to_unknown fingerprint_short
        fingerprint_upper_case forecast_null
        forecast_unknown fraction_as_integer guidance_range_negative kind_as_list latency_zero
        latent_size_zero
        layer_name_with_path lone_surrogate lone_surrogate_key measured_as_list
        model_id_empty name_absolute name_with_newline name_with_parents nested_twenty_deep
        patch_huge prompt_count_negative prompts_unknown quantity_unknown ratio_null
        ratio_text sampler_timesteps_text scheduler_with_code
        setting_as_list setting_as_object setting_nan setting_null setting_private
        setting_text_too_long setting_with_code settings_as_list share_unknown
        slope_null slope_number slope_text
        step_number steps_as_object text_as_number truth_value_as_number tuned_text version_fraction
        version_number_in_versions version_text version_true version_zero weights_as_list
        weights_key_fraction weights_key_negative weights_key_word weights_key_zero_first
        weights_null weights_number
    """,
    errors.UnknownKeyError: """
        baseline_fid_to constructor_key features_in_version_2 fid_to_in_version_3
        forecast_in_version_1 guidance_range_in_version_3 prompt_count_in_version_3
        quantity_in_version_1 sampler_timesteps_in_version_3 settings_in_version_1
        settings_in_version_2 slope_in_version_3 slope_unknown_key tuned_in_version_3
        tuned_unknown_key unknown_baseline_key unknown_key unknown_kind_key
        unknown_top_key
        weights_in_version_1
    """,
    errors.UnknownKindError: """
        undefined_kind unused_kind
    """,
    errors.WrongFormatError: """
        other_format other_json
    """,
    errors.WrongLengthError: """
        guidance_range_of_one_number latent_size_of_one_number patch_of_three_numbers
        sampler_timesteps_too_few steps_too_few tuned_weights_empty
        tuned_weights_too_many weights_empty weights_too_many
    """,
}
CASES = [(name, error) for error, names in EXPECTED.items() for name in names.split()]


@pytest.mark.parametrize(("name", "error"), CASES, ids=[name for name, _ in CASES])
def test_a_hostile_file_is_refused_by_its_rule(name: str, error: type[errors.DatoError]) -> None:
    with pytest.raises(errors.DatoError) as caught:
        Preset.load(FOLDER / f"{name}.json")
    assert type(caught.value) is error
    assert caught.value.fault
    assert len(str(caught.value)) < 1_000
    assert caught.value.remedy


def test_the_table_covers_the_folder() -> None:
    assert {name for name, _ in CASES} == {path.stem for path in FOLDER.iterdir()}


def test_a_preset_without_these_faults_loads() -> None:
    assert Preset.from_json(valid()).name == "hostile"


def valid(**changes: str) -> str:
    """The healthy preset behind the folder, with some of its pieces replaced."""
    text = (FOLDER / "newer_version.json").read_text(encoding="utf-8")
    text = text.replace('"version": 5', '"version": 1')
    for piece in changes.values():
        old, new = piece.split(" -> ", 1)
        assert old in text
        text = text.replace(old, new)
    return text


def test_a_file_above_a_megabyte_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(b" " * 1_000_001 + valid().encode())
    with pytest.raises(errors.TooLargeError, match="1,000,000"):
        Preset.load(path)
    path.write_bytes(b"\xff" * 1_000_001)
    with pytest.raises(errors.TooLargeError):
        Preset.load(path)


def test_the_number_of_steps_is_limited() -> None:
    steps = ", ".join(["full"] * 10_000).replace("full", '"full"')
    with pytest.raises(errors.TooLargeError, match="steps"):
        Preset.from_json(valid(steps=f'["full", "shallow"] -> ["shallow", {steps}]'))


def test_the_number_of_kinds_is_limited() -> None:
    kinds = ", ".join(f'"k{number}": {{"depth": 1}}' for number in range(1_024))
    with pytest.raises(errors.TooLargeError, match="kinds"):
        Preset.from_json(valid(kinds=f'"shallow": {{"depth": 1}} -> {kinds}'))


def test_all_mistakes_are_named_at_once() -> None:
    text = valid(a='"trial": 0 -> "trial": "0"', b='"depth": 1 -> "depth": "deep"')
    with pytest.raises(errors.DepthError, match=r"Also wrong: provenance\.trial"):
        Preset.from_json(text)


@pytest.mark.parametrize("path", ["missing.json", ".", "missing/folder.json", "nul\0.json"])
def test_what_cannot_be_read_is_named(path: str, tmp_path: Path) -> None:
    with pytest.raises(errors.PresetFileError, match="Cannot read"):
        Preset.load(tmp_path / path)


@pytest.mark.parametrize("depth", [30, 150, 250, 600, 990, 1_500, 100_000])
def test_deep_values_are_refused_by_an_error_of_ours(depth: int) -> None:
    nest = "[" * depth + "]" * depth
    with pytest.raises(errors.PresetError):
        Preset.from_json(valid(a=f'"trial": 0 -> "trial": {nest}'))


class Opaque:
    """Something that JSON cannot hold."""


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (Opaque(), errors.TypeRuleError),
        (b"name", errors.TypeRuleError),
        ({("a",): "a"}, errors.TypeRuleError),
        (float("nan"), errors.TypeRuleError),
        (10**20, errors.TooLargeError),
        (10**5_000, errors.TypeRuleError),
        ("\ud800", errors.TypeRuleError),
    ],
    ids=["object", "bytes", "tuple as key", "NaN", "large integer", "huge integer", "surrogate"],
)
def test_plain_data_passes_the_same_rules(value: object, error: type[errors.DatoError]) -> None:
    with pytest.raises(error):
        Preset.from_dict(json.loads(valid()) | {"name": value})


def test_data_that_contains_itself_is_refused() -> None:
    data: dict[str, object] = {}
    data["self"] = data
    with pytest.raises(errors.TypeRuleError, match="Circular"):
        Preset.from_dict(data)


def numbered(count: int, value: object = 1, name: str = "x") -> dict[str, object]:
    """An object with keys ``x0``, ``x1`` and so on."""
    return {f"{name}{number}": value for number in range(count)}


def forecasting(calls: int) -> dict[str, object]:
    """A first full call, and fitted weights for all others."""
    return {
        "version": 2,
        "quantity": "epsilon",
        "sampler": json.loads(valid())["sampler"] | {"calls": calls},
        "kinds": {"full": {"depth": "full"}, "held": {"depth": 0, "forecast": "fitted"}},
        "steps": ["full", *["held"] * (calls - 1)],
        "weights": {str(call): [1.0] for call in range(1, calls)},
    }


MANY: dict[str, dict[str, object]] = {
    "unknown keys": numbered(50_000),
    "unknown keys in every object": {
        **numbered(1_000),
        **{
            name: value | numbered(1_000)
            for name, value in json.loads(valid()).items()
            if isinstance(value, dict)
        },
    },
    "many unknown keys in every object": {
        name: value | numbered(9_000)
        for name, value in json.loads(valid()).items()
        if isinstance(value, dict)
    },
    "kinds with unknown keys": {"kinds": numbered(1_000, numbered(80))},
    "kinds beyond number": {"kinds": numbered(9_999, {"forecast": "hold"})},
    "kinds with long names": {"kinds": numbered(1_000, {"depth": 1}, "k" * 150)},
    "wrong ratios": {"kinds": numbered(1_000, {"depth": 1, "prune": numbered(70, "a")})},
    "ratios of a call that reuses": {
        "kinds": {"full": {"depth": 0, "prune": numbered(1_000, 0.5, "x" * 100)}}
    },
    "wrong steps": {"steps": [1] * 100_000},
    "wrong versions": {"provenance": {"versions": numbered(50_000)}},
    "wrong weights": {"weights": {str(n): ["a"] * 3 for n in range(9_999)}, "version": 2},
    "weights that read too much": forecasting(10_000) | {"weights": {"9999": [1.0, 1.0]}},
    "empty lists": {"x": [[[[[[]]]]]] * 60_000},
    "as many lists as are read": {"x": [[[[[[]]]]]] * 6_600},
    "empty objects": {"x": [{}] * 200_000},
    "numbers": {"x": [0.12345678901234567] * 40_000},
}
PROMISED = 0.1
"""Seconds of CPU time. The tests allow twice as many, for machines that are slower or busy."""


def seconds_of(text: str) -> float:
    """CPU time of reading or refusing a text: the least of three, because others use the caches."""
    times = []
    for _ in range(3):
        started = time.process_time()
        with suppress(errors.DatoError):
            Preset.from_json(text)
        times.append(time.process_time() - started)
    return min(times)


@pytest.mark.parametrize("name", MANY)
def test_a_file_of_nothing_but_mistakes_is_refused_at_once(name: str) -> None:
    text = json.dumps(json.loads(valid()) | MANY[name])
    assert len(text) < 1_000_000
    with pytest.raises(errors.DatoError) as caught:
        Preset.from_json(text)
    assert len(str(caught.value)) < 1_200
    assert seconds_of(text) < 2 * PROMISED


def test_the_longest_schedule_is_read_as_fast() -> None:
    text = json.dumps(json.loads(valid()) | forecasting(10_000))
    assert Preset.from_json(text).schedule.calls == 10_000
    assert seconds_of(text) < 2 * PROMISED
