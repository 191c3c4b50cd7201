"""A card's Python runs as it stands, and runs the preset as it was measured."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import dato
from dato.pocket import load_pipeline
from dato.preset import Preset, SamplerInfo
from dato.schedule import Schedule

FAST = dato.load_preset("pocket/fast")
KARRAS = dataclasses.replace(
    FAST,
    name="my-model/fast",
    model=dataclasses.replace(FAST.model, id="my-model"),
    sampler=SamplerInfo(
        "DPMSolverMultistepScheduler", 6, 6, 4.5, {"use_karras_sigmas": True, "solver_order": 2}
    ),
    schedule=Schedule.uniform(6, interval=2, depth=0, forecast="linear"),
)


def python_of(card: str) -> str:
    (code,) = re.findall(r"^```python\n(.*?)^```$", card, re.DOTALL | re.MULTILINE)
    return str(code)


def ran(card: str) -> Mapping[str, Any]:
    """The names that a card's Python leaves behind."""
    names: dict[str, Any] = {}
    exec(python_of(card), names)
    return names


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_card_of_the_embedded_model(desk: Path) -> None:
    FAST.save(desk / "fast.json")
    names = ran(FAST.card())
    calls = FAST.schedule.calls
    assert dato.explain(names["pipe"]) == f"{calls} computed calls at tuned timesteps."
    with Image.open(desk / "image.png") as image:
        assert image.size == (64, 64)
    assert f"num_inference_steps={calls}, guidance_scale=2" in python_of(FAST.card())


def test_the_card_of_a_model_in_a_folder(desk: Path) -> None:
    load_pipeline().save_pretrained(desk / "my-model")
    KARRAS.save(desk / "fast.json")
    pipe = ran(KARRAS.card())["pipe"]
    assert "3 computed calls of 6" in dato.explain(pipe)
    assert (desk / "image.png").is_file()
    assert isinstance(pipe.scheduler, DPMSolverMultistepScheduler)
    assert pipe.scheduler.config.use_karras_sigmas is True
    assert (pipe.num_timesteps, pipe.guidance_scale) == (3, 4.5)


def test_the_card_of_a_transformer_without_a_third_encoder_in_a_folder(desk: Path) -> None:
    """diffusers alone would load it only with advice, and make noise."""
    preset, shipped = dato.load_preset("pocket-flow/fast"), load_pipeline("pocket-flow")
    shipped.save_pretrained(desk / "mine")
    preset.save(desk / "fast.json")
    with dato.applied(shipped, preset):
        expected = picture(shipped)
    assert picture(ran(preset.card("fast.json", "mine"))["pipe"]) == expected


def picture(pipe: Any) -> Image.Image:
    noise = torch.Generator().manual_seed(0)
    image: Image.Image = pipe(
        "a red circle", num_inference_steps=4, guidance_scale=3.0, generator=noise
    ).images[0]
    return image


def test_a_card_names_the_parts_that_a_folder_was_saved_without(desk: Path) -> None:
    index = {"_class_name": "FluxPipeline", "text_encoder_2": [None, None], "vae": ["a", "B"]}
    (desk / "mine").mkdir()
    (desk / "mine" / "model_index.json").write_text(json.dumps(index))
    assert "from_pretrained('mine', text_encoder_2=None)" in python_of(FAST.card(None, "mine"))


def test_a_card_is_told_where_preset_and_model_are(desk: Path) -> None:
    load_pipeline().save_pretrained(desk / "models" / "my-model")
    KARRAS.save(desk / "elsewhere.json")
    pipe = ran(KARRAS.card("elsewhere.json", "models/my-model"))["pipe"]
    assert "3 computed calls of 6" in dato.explain(pipe)


ODD = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(ODD, ODD, ODD)
def test_whatever_a_preset_is_called_adds_no_code(name: str, source: str, setting: str) -> None:
    """The file may come from a stranger."""
    sampler = dataclasses.replace(KARRAS.sampler, settings={"name": setting})
    model = dataclasses.replace(KARRAS.model, id=name)
    card = Preset(**{**vars(KARRAS), "model": model, "sampler": sampler}).card(source)
    tree = ast.parse(python_of(card))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert {source, setting} <= texts
    assert len(tree.body) == len(ast.parse(python_of(KARRAS.card())).body) or name == "pocket"
