"""An image that is not finite is no image: not a black one, and not one of FID 0."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from search.cli.main import main
from search.errors import TrialError, UserError
from search.model.drift import image_drift
from search.model.generator import Generator
from search.model.loading import ModelConfig
from search.model.prompt_images import ImageRequest, PromptPipeline

BAD = (math.nan, math.inf, -math.inf)


@contextmanager
def spoilt(vae: torch.nn.Module, value: float) -> Iterator[None]:
    """An autoencoder with one number of its weights that is none."""
    weight = next(each for name, each in vae.named_parameters() if "decoder" in name)
    before = copy.deepcopy(weight.data)
    weight.data.view(-1)[0] = value
    try:
        yield
    finally:
        weight.data.copy_(before)


@pytest.mark.parametrize("value", BAD)
def test_a_trial_of_such_images_fails(generator: Generator, value: float) -> None:
    with spoilt(generator.pipe.vae, value), pytest.raises(TrialError, match="decoded images hold"):
        generator.generate(None, [0])
    assert len(generator.generate(None, [0])) == 1


def test_drift_of_such_latents_fails(generator: Generator) -> None:
    with spoilt_denoiser(generator.denoiser), pytest.raises(TrialError, match="prediction holds NaN"):
        image_drift(generator, 0)


@contextmanager
def spoilt_denoiser(denoiser: torch.nn.Module) -> Iterator[None]:
    hook = denoiser.register_forward_hook(lambda _, __, output: (output[0] * math.nan,))
    try:
        yield
    finally:
        hook.remove()


@pytest.fixture(scope="module")
def pipeline() -> PromptPipeline:
    return PromptPipeline(ModelConfig(weights="tiny", architecture="sd15", num_inference_steps=2))


@pytest.mark.parametrize("value", BAD)
def test_a_picture_of_a_prompt_fails(pipeline: PromptPipeline, value: float) -> None:
    asked = [ImageRequest("a cat", 0)]
    with spoilt(pipeline.pipe.vae, value), pytest.raises(UserError, match=r"model\.dtype=float32"):
        pipeline.generate(asked, None)
    assert "postprocess" not in vars(pipeline.pipe.image_processor)
    assert len(pipeline.generate(asked, None).images) == 1


def test_generate_writes_no_black_picture(
    tmp_path: Path, pipeline: PromptPipeline, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("search.cli.generate.PromptPipeline", lambda _: pipeline)
    arguments = ["generate", "--prompt", "a cat", "--out", str(tmp_path / "x.png")]
    with spoilt(pipeline.pipe.vae, math.nan):
        assert main(arguments) == 2
    assert "1 of 1 decoded images hold NaN or infinity" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]
