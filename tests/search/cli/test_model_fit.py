"""Which model a command with a preset runs: the preset's, or another that can run it."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import search.cli.demo
import search.cli.export_sampler
import search.cli.generate
from dato import list_presets, load_preset
from dato.pocket import pocket_path
from search.cli.main import main
from search.cli.parser import build_parser
from search.errors import UserError
from search.model.loading import ModelConfig

Started = Callable[..., ModelConfig | str]

COMMANDS: dict[str, Callable[[str, Path], list[str]]] = {
    "generate": lambda preset, out: ["--preset", preset, "--prompt", "a", "--out", f"{out}.png"],
    "demo": lambda preset, out: ["--port", "0", "--preset", preset],
    "export-sampler": lambda preset, out: [preset, "--out", f"{out}.json"],
}
"""Commands that take a preset and settings of a model."""
BOTH = (("pocket-flow/fast", "pocket"), ("pocket/fast", "pocket-flow"))


@pytest.fixture
def started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Started:
    """The model that a command comes to load, or what it says before that."""
    loaded: list[ModelConfig] = []

    def load(model: ModelConfig) -> Any:
        loaded.append(model)
        raise UserError("That is all.")

    monkeypatch.setattr(search.cli.generate, "PromptPipeline", load)
    monkeypatch.setattr(search.cli.demo, "PromptPipeline", load)
    monkeypatch.setattr(search.cli.export_sampler, "load_scheduler", load)

    def start(command: str, preset: str, *overrides: str) -> ModelConfig | str:
        assert main([command, *COMMANDS[command](preset, tmp_path / "out"), *overrides]) == 2
        return loaded.pop() if loaded else capsys.readouterr().err

    return start


def test_these_are_all_commands_with_a_preset_and_a_model() -> None:
    (commands,) = (
        action.choices
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    taken = {name: {each.dest for each in one._actions} for name, one in commands.items()}
    assert set(COMMANDS) == {name for name in taken if {"preset", "overrides"} <= taken[name]}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("preset", [*list_presets("pocket"), *list_presets("pocket-flow")])
def test_where_nothing_else_names_the_model_the_preset_does(
    command: str, preset: str, started: Started
) -> None:
    model = started(command, preset)
    assert isinstance(model, ModelConfig)
    assert model.path == preset.partition("/")[0]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("preset", "other"), BOTH)
def test_a_preset_of_another_model_names_both(
    command: str, preset: str, other: str, started: Started
) -> None:
    said = started(command, preset, f"model={other}")
    own, sampler = preset.partition("/")[0], load_preset(preset).sampler.scheduler
    assert said == (
        f"dato-search: The preset {preset!r} is for the model {own!r}, and model= names {other!r}. "
        f"{sampler} cannot sample it. Leave out model=, or choose one of "
        f"{', '.join(list_presets(other))}.\n"
    )


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("preset", "other"), BOTH)
def test_a_folder_runs_presets_of_its_base_model_and_no_others(
    command: str, preset: str, other: str, started: Started, tmp_path: Path
) -> None:
    weights = shutil.ignore_patterns("*.safetensors")
    folders = {name: str(tmp_path / name) for name in ("pocket", "pocket-flow")}
    for name, folder in folders.items():
        shutil.copytree(pocket_path(name), folder, ignore=weights)
    own = preset.partition("/")[0]
    for named in ([f"model={own}"], ["model=custom"], []):
        model = started(command, preset, *named, f"model.path={folders[own]}")
        assert isinstance(model, ModelConfig)
        assert model.path == folders[own]
    said = started(command, preset, "model=custom", f"model.path={folders[other]}")
    assert f"and model.path= names {folders[other]!r}." in str(said)
    assert "Leave out model= and model.path=, or choose another preset." in str(said)


def test_a_denoiser_of_another_depth_is_named_before_it_is_loaded(started: Started) -> None:
    tiny = ("model=sdxl", "model.weights=tiny", "model.device=cpu")
    for command in ("generate", "demo"):
        said = str(started(command, "pocket/fast", *tiny))
        assert "is for the model 'pocket', and model= names 'sdxl'. The one's denoiser" in said
        assert "can be cut at 12 depths, the other's at 9. Leave out model=, or" in said


def test_a_preset_of_a_model_that_nobody_knows_asks_for_its_folder(
    started: Started, tmp_path: Path
) -> None:
    flow = load_preset("pocket-flow/fast")
    path = tmp_path / "mine.json"
    replace(flow, name="mine", model=replace(flow.model, id="my-flow")).save(path)
    said = started("generate", str(path), "model=pocket")
    assert "Give the folder or hub id of 'my-flow' as model.path, or choose one of" in str(said)


def test_a_page_shows_presets_of_one_model(started: Started) -> None:
    said = str(started("demo", "pocket-flow/fast", "--preset", "pocket/fast"))
    assert "'pocket/fast' is for the model 'pocket', and 'pocket-flow' is loaded." in said


def test_validate_names_the_sampler(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "pocket-flow/fast", "pocket/fast", "--model", "pocket-flow"]) == 2
    out, err = capsys.readouterr()
    assert out == "pocket-flow/fast: valid, 4 calls, for pocket-flow\n"
    assert err == (
        "pocket/fast: The preset's sampler 'DDIMScheduler' is not a scheduler for this model. Give "
        "the model that the preset is for, or another preset.\n"
    )
