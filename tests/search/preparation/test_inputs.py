"""A study knows its inputs by their content, and refuses others by name."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from search.errors import UserError
from search.model.description import ModelDescription
from search.model.generator import Generator
from search.preparation.inputs import require_same_inputs
from search.records.folder import StudyFolder
from search.records.inputs import keep_inputs, read_inputs
from search.settings import Config
from search.settings.compose import compose_config
from tests.search.model.tiny import SEARCH, tiny_config


class Said:
    """Remembers the stages."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def stage(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def world(tmp_path: Path, tiny_folder: Path) -> Path:
    """Everything that a study is given, and an empty folder for it."""
    shutil.copytree(tiny_folder, tmp_path / "model")
    (tmp_path / "prompts.txt").write_text("a red circle\na blue square\na cat\na dog\n")
    (tmp_path / "real").mkdir()
    for number in range(3):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / "real" / f"{number}.bmp")
    np.savez(tmp_path / "real.npz", mu=np.zeros(2), sigma=np.eye(2))
    (tmp_path / "study").mkdir()
    return tmp_path


def config(world: Path, *overrides: str, real: str = "real") -> Config:
    return compose_config(
        [
            "model=custom",
            f"model.path={world / 'model'}",
            f"model.prompts={world / 'prompts.txt'}",
            f"quality.real={world / real}",
            "quality.real_images=3",
            *overrides,
        ]
    )


def described(world: Path) -> ModelDescription:
    return Generator(tiny_config(world / "model"), SEARCH).description


def require(world: Path, *overrides: str, real: str = "real") -> list[str]:
    said, folder = Said(), StudyFolder(world / "study")
    require_same_inputs(config(world, *overrides, real=real), folder, described(world), said)
    return said.lines


def weights(part: str) -> Callable[[Path], None]:
    def change(world: Path) -> None:
        (file,) = (world / "model" / part).glob("*.safetensors")
        tensors = load_file(file)
        name = next(name for name in tensors if tensors[name].is_floating_point())
        tensors[name] = tensors[name] + 0.25
        save_file(tensors, file, {"format": "pt"})

    return change


def setting(part: str, file: str, key: str, value: Any) -> Callable[[Path], None]:
    def change(world: Path) -> None:
        path = world / "model" / part / file
        path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))

    return change


def edited(world: Path) -> None:
    path = world / "prompts.txt"
    path.write_text(path.read_text().replace("cat", "cow"))


def another_image(world: Path) -> None:
    """Of the same name, length and times."""
    path = world / "real" / "1.bmp"
    before = path.stat()
    Image.new("RGB", (8, 8), (99, 0, 0)).save(path)
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES = {
    "prompts": edited,
    "real images": another_image,
    "denoiser": weights("unet"),
    "model's vae": weights("vae"),
    "model's text_encoder": weights("text_encoder"),
    "model's scheduler": setting("scheduler", "scheduler_config.json", "beta_end", 0.05),
    "model's tokenizer": setting("tokenizer", "tokenizer_config.json", "do_lower_case", False),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_input_is_named(world: Path, name: str) -> None:
    require(world)
    kept = (world / "study" / "inputs.json").read_text()
    require(world)
    CHANGES[name](world)
    with pytest.raises(UserError) as caught:
        require(world)
    said = str(caught.value)
    assert f"other inputs than there are now: the {name} (" in said
    assert [other for other in CHANGES if f"the {other} (" in said] == [name]
    assert "start a new sweep" in said
    assert (world / "study" / "inputs.json").read_text() == kept


def test_replaced_statistics_are_named(world: Path) -> None:
    require(world, real="real.npz")
    np.savez(world / "real.npz", mu=np.ones(2), sigma=np.eye(2))
    with pytest.raises(UserError, match=r"the real images \(quality\.real=.*real\.npz"):
        require(world, real="real.npz")


def test_another_file_of_that_name_in_another_folder_is_named(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world)
    require(world, "model.prompts=prompts.txt")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "prompts.txt").write_text("one\ntwo\n")
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"model\.prompts='prompts\.txt'.*elsewhere"):
        require(world, "model.prompts=prompts.txt")


def touched(world: Path) -> None:
    for path in world.rglob("*"):
        os.utime(path, (1, 1))


def newlines(world: Path) -> None:
    path = world / "prompts.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n\r\n"))


def notes(world: Path) -> None:
    setting("vae", "config.json", "_diffusers_version", "9.9")(world)


@pytest.mark.parametrize("change", [touched, newlines, notes])
def test_what_changes_no_input_is_no_change(world: Path, change: Callable[[Path], None]) -> None:
    require(world)
    change(world)
    require(world)


def test_a_study_from_before_is_taken_as_it_is_and_kept_from_now_on(world: Path) -> None:
    folder = StudyFolder(world / "study")
    keep_inputs(folder, {"a former input": "x"})
    require(world)
    assert {"a former input", "prompts", "denoiser", "model's vae"} <= set(read_inputs(folder))
    edited(world)
    with pytest.raises(UserError, match="the prompts"):
        require(world)


def test_embedded_prompts_have_a_digest_too(world: Path) -> None:
    seeds: list[str] = []
    for seed in (0, 0, 1):
        folder = StudyFolder(world / f"study-{len(seeds)}")
        folder.root.mkdir()
        settings = compose_config([f"study.seed={seed}"])
        require_same_inputs(settings, folder, described(world), Said())
        seeds.append(read_inputs(folder)["prompts"])
    assert seeds[0] == seeds[1] != seeds[2]


def test_a_warm_start_from_a_study_of_another_model_is_said(world: Path) -> None:
    other = StudyFolder.create(world / "other")
    other.config.touch()
    warm = f"warmstart.study={other.root}"
    require_same_inputs(config(world), other, described(world), Said())
    edited(world)
    assert require(world, warm) == []  # other prompts: schedules are measured anew
    shutil.rmtree(world / "study")
    (world / "study").mkdir()
    weights("vae")(world)
    (said,) = require(world, warm)
    assert "was measured with another model's vae;" in said
    assert require(world, warm) == []  # a resumed study has tried them


def test_a_vae_that_was_turned_to_float32_is_the_same(world: Path) -> None:
    generator = Generator(tiny_config(world / "model", dtype="float16"), SEARCH)
    before = generator.description
    generator.pipe.vae.to(torch.float32)
    again = Generator(generator.model, SEARCH, pipe=generator.pipe).description
    assert before.parts == again.parts
    assert set(before.parts) == {"scheduler", "text_encoder", "tokenizer", "unet", "vae"}


def test_workers_with_other_parts_differ(world: Path) -> None:
    here = described(world)
    there = replace(here, parts={**here.parts, "vae": "sha256:0"})
    assert here.differences(there) == ("vae",)
    assert here.differences(here) == ()


@pytest.mark.parametrize("text", ["", "{", '{"version": 2, "inputs": {}}', '{"inputs": {"a": 1}}'])
def test_a_broken_record_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "inputs.json").write_text(text)
    with pytest.raises(UserError, match=r"inputs\.json.*damaged"):
        read_inputs(StudyFolder(tmp_path))
