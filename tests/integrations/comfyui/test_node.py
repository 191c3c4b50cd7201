"""What the node gives, says and refuses."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import dato
from dato import Kind, PortableSampler, Schedule, UnsupportedError
from dato.errors import SamplerFileError, UnknownPresetError
from tests.dato.exported import exported
from tests.integrations.comfyui.conftest import Server

pytestmark = pytest.mark.filterwarnings("ignore:The configuration file")
ROOT = Path(__file__).parents[3]
PACK = ROOT / "integrations" / "comfyui"


def sampler_of(name: str = "ddim") -> PortableSampler:
    pipe, preset = exported(name)
    return dato.export_sampler(preset, pipe.scheduler)


@pytest.fixture
def node(pack: Any, models: Path) -> Iterator[Any]:
    sampler_of().save(models / "mine.json")
    yield pack.NODE_CLASS_MAPPINGS["LoadDatoPreset"]()
    (models / "mine.json").unlink()


def test_it_gives_a_sampler_its_noise_levels_and_their_description(node: Any) -> None:
    sampler, sigmas, text = node.load("mine")
    assert torch.equal(sigmas, dato.kdiffusion(sampler_of())[0])
    assert callable(sampler.sampler_function)
    assert text == (
        "pocket/exported: 4 computed calls, at noise levels from 4096 to 0.727. Its speed was not "
        "measured; made for pocket at a guidance scale of 2 and latents of 32 x 32."
    )
    assert len(node.RETURN_TYPES) == len(node.RETURN_NAMES) == 3


def test_a_measured_preset_says_how_fast_it_is(node: Any, tmp_path: Path) -> None:
    sampler_of().model_copy(update={"speedup": 6.24}).save(tmp_path / "fast.json")
    text = node.load(str(tmp_path / "fast.json"))[2]
    assert "Measured 6.24 times as fast as the unpatched model; made for pocket" in text


def test_the_text_is_shown_in_the_node(node: Any, server: Server) -> None:
    text = node.load("mine", node_id="12")[2]
    assert server.shown[-1] == (text, "12")


def test_every_load_gives_noise_levels_of_its_own(node: Any) -> None:
    first = node.load("mine")[1]
    first[-1] = 7
    assert node.load("mine")[1][-1] == 0


@pytest.mark.parametrize("name", ["mine", "mine.json", "/mine.json"])
def test_names_are_files_of_models_dato(node: Any, name: str) -> None:
    assert node.load(name)[2].startswith("pocket/exported")


def test_a_changed_file_is_read_again(node: Any, models: Path) -> None:
    before = node.IS_CHANGED("mine", model=None)
    assert node.IS_CHANGED("mine", model=None) == before
    sampler_of("unipc").save(models / "mine.json")
    assert node.IS_CHANGED("mine", model=None) != before
    assert node.IS_CHANGED("pocket/fast") == "pocket/fast"


def test_what_is_no_sampler_is_refused(node: Any, models: Path, tmp_path: Path) -> None:
    _, preset = exported("tuned")
    pruned = Schedule({"full": Kind(prune={"level_0": 0.5})}, ("full",) * 4)
    replace(preset, schedule=pruned).save(tmp_path / "pruned.json")
    with pytest.raises(UnsupportedError, match="prunes tokens"):
        node.load(str(tmp_path / "pruned.json"))
    with pytest.raises(UnknownPresetError, match="absent"):
        node.load("absent")
    (models / "mine.json").write_text('{"format": "dato-sampler"}')
    with pytest.raises(SamplerFileError, match="name is wrong"):
        node.load("mine")


def test_every_input_of_the_node_is_in_its_signature(node: Any) -> None:
    inputs = node.INPUT_TYPES()
    names = {name for group in inputs.values() for name in group}
    assert names == {"preset", "model", "node_id"} <= set(node.load.__code__.co_varnames)


def test_the_example_s_links_lead_to_outputs(node: Any) -> None:
    (example,) = (PACK / "example_workflows").glob("*.json")
    nodes = json.loads(example.read_text(encoding="utf-8"))
    links = [
        value
        for each in nodes.values()
        for value in each["inputs"].values()
        if isinstance(value, list)
    ]
    assert all(source in nodes for source, _ in links)
    ours = next(key for key, each in nodes.items() if each["class_type"] == "LoadDatoPreset")
    assert {output for source, output in links if source == ours} == {0, 1, 2}
    assert set(nodes[ours]["inputs"]) == {"preset", "model"}


def test_its_project_is_one_for_the_registry() -> None:
    project = tomllib.loads((PACK / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["tool"]["comfy"]) >= {"PublisherId", "DisplayName"}
    assert (PACK / project["project"]["license"]["file"]).is_file()
    assert project["project"]["version"].count(".") == 2


def test_nothing_outside_the_pack_imports_comfyui() -> None:
    for room in ("dato", "search", "experiments"):
        for path in (ROOT / room).rglob("*.py"):
            assert "import comfy" not in path.read_text(encoding="utf-8"), path


def test_of_dato_it_imports_what_runs_without_diffusers() -> None:
    """``tests/dato/test_anywhere.py`` runs these in a process that has none."""
    texts = [path.read_text(encoding="utf-8") for path in PACK.glob("*.py")]
    imported = {name for text in texts for name in re.findall(r"^from (dato[\w.]*)", text, re.M)}
    assert imported == {
        "dato.anywhere",
        "dato.errors",
        "dato.portable",
        "dato.sampler.k_diffusion",
    }
