"""Every file in ``hostile/`` is refused with the error of the one rule that it breaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from dato import errors
from dato.preset import Preset

FOLDER = Path(__file__).parents[1] / "hostile"

EXPECTED: dict[type[errors.DatoError], str] = {
    errors.DepthError: """
        depth_beyond_the_model fraction_as_depth negative_depth null_depth truth_value_as_depth
        word_as_depth
    """,
    errors.DuplicateKeyError: """
        duplicate_key duplicate_kind
    """,
    errors.EmptyScheduleError: """
        kinds_empty steps_empty
    """,
    errors.FirstCallError: """
        first_call_not_full
    """,
    errors.MissingKeyError: """
        missing_measured missing_steps
    """,
    errors.NewerVersionError: """
        newer_version
    """,
    errors.NotFiniteError: """
        infinity nan overflow
    """,
    errors.NotJsonError: """
        byte_order_mark comment empty latin1 list null number pickle trailing_text truncated
        utf16 yaml_tag
    """,
    errors.RatioError: """
        ratio_above_limit ratio_negative reuse_that_prunes
    """,
    errors.TokensError: """
        noise_negative patch_of_one patch_zero protect_above_one share_unknown
    """,
    errors.TooLargeError: """
        deeply_nested huge_integer nested_twenty_deep nineteen_digits
    """,
    errors.TypeRuleError: """
        calls_zero fid_negative fingerprint_short fingerprint_upper_case fraction_as_integer
        kind_as_list latency_zero latent_size_zero layer_name_with_path lone_surrogate
        lone_surrogate_key measured_as_list model_id_empty name_absolute name_with_newline
        name_with_parents patch_huge ratio_null ratio_text scheduler_with_code step_number
        steps_as_object text_as_number truth_value_as_number version_fraction
        version_number_in_versions version_text version_true version_zero
    """,
    errors.UnknownKeyError: """
        constructor_key unknown_baseline_key unknown_key unknown_kind_key unknown_top_key
    """,
    errors.UnknownKindError: """
        undefined_kind unused_kind
    """,
    errors.WrongFormatError: """
        other_format other_json
    """,
    errors.WrongLengthError: """
        latent_size_of_one_number patch_of_three_numbers steps_too_few
    """,
}
CASES = [(name, error) for error, names in EXPECTED.items() for name in names.split()]


@pytest.mark.parametrize(("name", "error"), CASES, ids=[name for name, _ in CASES])
def test_a_hostile_file_is_refused_by_its_rule(name: str, error: type[errors.DatoError]) -> None:
    with pytest.raises(errors.DatoError) as caught:
        Preset.load(FOLDER / f"{name}.json")
    assert type(caught.value) is error
    assert caught.value.rule
    assert len(str(caught.value)) < 1_000
    assert caught.value.remedy or not isinstance(caught.value, errors.PresetError)


def test_the_table_covers_the_folder() -> None:
    assert {name for name, _ in CASES} == {path.stem for path in FOLDER.iterdir()}


def test_a_preset_without_these_faults_loads() -> None:
    text = (FOLDER / "newer_version.json").read_text(encoding="utf-8")
    assert Preset.from_json(text.replace('"version": 2', '"version": 1')).name == "hostile"


def valid(**changes: str) -> str:
    """The healthy preset behind the folder, with some of its pieces replaced."""
    text = (FOLDER / "newer_version.json").read_text(encoding="utf-8")
    text = text.replace('"version": 2', '"version": 1')
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
    with pytest.raises(errors.PresetFileError, match="can be read"):
        Preset.load(tmp_path / path)


class Opaque:
    """Something that JSON cannot hold."""


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (Opaque(), errors.TypeRuleError),
        ((1, 2), errors.TypeRuleError),
        ({1: "a"}, errors.TypeRuleError),
        (float("nan"), errors.NotFiniteError),
        (10**5_000, errors.TooLargeError),
        ("\ud800", errors.TypeRuleError),
    ],
    ids=["object", "tuple", "numeric key", "NaN", "huge integer", "surrogate"],
)
def test_plain_data_passes_the_same_rules(value: object, error: type[errors.DatoError]) -> None:
    with pytest.raises(error):
        Preset.from_dict({"format": "dato-preset", "version": 1, "name": value})


def test_data_that_contains_itself_is_refused() -> None:
    data: dict[str, object] = {}
    data["self"] = data
    with pytest.raises(errors.TooLargeError):
        Preset.from_dict(data)
