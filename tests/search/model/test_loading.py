"""A pipeline that cannot be loaded gives a sentence; weights of one variant are found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from diffusers.pipelines import pipeline_utils

from search.errors import UserError
from search.model.loading import ModelConfig, load_pipeline, variant_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline of which only half-precision weights were saved, as with variant="fp16"."""
    path = tmp_path_factory.mktemp("half")
    pipe = load_pipeline(
        ModelConfig(weights="tiny", architecture="sd15", scheduler="PNDMScheduler")
    )
    pipe.to(dtype=torch.float16).save_pretrained(path, variant="fp16")
    return path


def test_a_folder_with_one_variant_is_loaded(folder: Path) -> None:
    assert variant_of(folder) == "fp16"
    pipe = load_pipeline(ModelConfig(path=str(folder), scheduler="PNDMScheduler"))
    assert pipe.unet.dtype == torch.float32


def test_half_precision_on_a_cpu_is_loaded_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """diffusers says of every part that it cannot run, and all of them run."""
    said: list[str] = []
    monkeypatch.setattr(pipeline_utils.logger, "warning", said.append)
    pipe = load_pipeline(ModelConfig(path="pocket-flow", dtype="float16"))
    assert pipe.transformer.dtype == torch.float16
    assert not [each for each in said if "float16" in each]


def test_plain_weights_come_before_a_variant(tmp_path: Path) -> None:
    (tmp_path / "unet").mkdir()
    for name in ("diffusion_pytorch_model", "diffusion_pytorch_model.fp16"):
        (tmp_path / "unet" / f"{name}.safetensors").touch()
    assert variant_of(tmp_path) is None
    (tmp_path / "unet" / "diffusion_pytorch_model.safetensors").rename(
        tmp_path / "unet" / "diffusion_pytorch_model.fp16-00001-of-00002.safetensors"
    )
    assert variant_of(tmp_path) == "fp16"


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("_class_name", "NoSuchPipeline"),
        ("unet", ["diffusers", "NoSuchUNet"]),
        ("unet", ["no_such_library", "NoSuchUNet"]),
        ("unet", ["diffusers"]),
        ("text_encoder", ["transformers", "NoSuchEncoder"]),
    ],
)
def test_an_unknown_class_is_a_sentence(
    folder: Path, tmp_path: Path, part: str, value: object
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        if path.is_dir():
            (copy / path.name).symlink_to(path)
    index = json.loads((folder / "model_index.json").read_text()) | {part: value}
    (copy / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(UserError, match=r"Cannot load model\.path=.*installed diffusers"):
        load_pipeline(ModelConfig(path=str(copy)))


@pytest.mark.parametrize("device", ["mps", "xpu", "meta", "cpu:3", "cuda:99", "vulkan", "gpu"])
def test_a_device_that_is_not_there_is_named(device: str) -> None:
    with pytest.raises(UserError, match=f"model.device='{device}'"):
        load_pipeline(ModelConfig(device=device))
