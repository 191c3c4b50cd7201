"""Shipped presets by name; everything that ships is valid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from diffusers.schedulers.scheduling_utils import AysSchedules

from dato import Schedule, library
from dato.errors import PresetFileError, UnknownPresetError
from dato.library import list_presets, load_preset
from dato.preset import Preset

PUBLISHED = (
    "0 1 1 1 1 1 11 1 1 1 1 1 1 1 0 0 11 1 1 1 0 11 1 0 1 "
    "1 1 1 1 11 0 0 1 1 1 1 1 1 1 1 11 1 1 1 1 1 1 1 1 1"
)
"""arXiv 2501.00375's cache strategy, one entry for each call after the first."""

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package folder that ships two models' presets, beside the schema."""
    (tmp_path / "schema.json").write_text("{}", encoding="utf-8")
    for name, source in {"pocket/balanced": "balanced", "pocket/fast": "unpatched"}.items():
        preset = Preset.load(GOLDEN / f"{source}.json")
        preset.save(tmp_path / f"{name}.json")
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    return tmp_path


def test_shipped_presets_are_named_by_their_path(shipped: Path) -> None:
    assert list_presets() == ("pocket/balanced", "pocket/fast")


def test_presets_are_listed_by_model(shipped: Path) -> None:
    assert list_presets("pocket") == ("pocket/balanced", "pocket/fast")
    assert list_presets("sdxl") == ()


def test_a_shipped_name_loads(shipped: Path) -> None:
    assert load_preset("pocket/balanced").name == "pocket/balanced"


def test_a_path_loads_as_text_or_as_path(shipped: Path) -> None:
    path = GOLDEN / "balanced.json"
    assert load_preset(path) == load_preset(str(path))


@pytest.mark.parametrize("name", ["pocket/balancd", "../schema", "schema", "", "pocket"])
def test_an_unknown_name_lists_the_valid_ones(shipped: Path, name: str) -> None:
    with pytest.raises(UnknownPresetError, match="pocket/balanced, pocket/fast"):
        load_preset(name)


def test_the_closest_name_comes_first(shipped: Path) -> None:
    with pytest.raises(UnknownPresetError, match="Did you mean 'pocket/balanced'"):
        load_preset("pocket/balancd")


def test_a_missing_file_is_a_missing_file(shipped: Path) -> None:
    with pytest.raises(PresetFileError):
        load_preset("missing.json")


def test_every_shipped_preset_is_listed_under_its_model() -> None:
    assert list_presets(model="sd15") == ("sd15/ays-10", "sd15/published")
    by_model = {load_preset(name).model.id: None for name in list_presets()}
    listed = [name for model in by_model for name in list_presets(model=model)]
    assert sorted(listed) == list(list_presets())


@pytest.mark.parametrize("name", list_presets())
def test_everything_that_ships_is_valid_and_named_after_its_path(name: str) -> None:
    preset = load_preset(name)
    assert preset.name == name
    if preset.measured is None:
        assert preset.provenance.study.startswith("Published, not measured here: ")
        return
    # Speed-ups are of runs in turns, so the changes of a shared machine's speed are not in them.
    assert preset.measured.speedup == pytest.approx(
        preset.measured.baseline_latency_s / preset.measured.latency_s, rel=0.05
    )


@pytest.mark.parametrize(
    ("name", "key"), [("sd15", "StableDiffusion"), ("sdxl", "StableDiffusionXL")]
)
def test_align_your_steps_is_what_diffusers_has(name: str, key: str) -> None:
    published: Any = AysSchedules[f"{key}Timesteps"]
    preset = load_preset(f"{name}/ays-10")
    assert list(preset.sampler.timesteps) == published
    assert preset.schedule == Schedule.full(len(published))


def test_the_published_strategy_is_the_papers() -> None:
    """Its 50 entries after a full first call: 0 reuses, 1 is depth 1, 11 is full."""
    preset = load_preset("sd15/published")
    kinds = [preset.schedule.kind(call) for call in range(preset.schedule.calls)]
    depths = {"0": 0, "1": 1, "11": "full"}
    assert [kind.depth for kind in kinds] == [
        "full",
        *(depths[entry] for entry in PUBLISHED.split()),
    ]
    assert {kind.prune.get("level_0") for kind in kinds if kind.depth != 0} == {0.5}
    assert preset.measured is None
