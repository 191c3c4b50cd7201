"""What ``dato.explain`` says is what the last run did: its calls, and those that computed."""

from __future__ import annotations

from typing import Any

import diffusers
import pytest
import torch

import dato
from dato import Kind, Schedule
from dato.denoisers.registry import denoiser_of
from dato.pocket import load_pipeline
from dato.preset import ModelInfo, Preset, SamplerInfo
from tests.dato.tiny import generate, scheduler, tiny_pipe

PROMPT = "a red circle on a white background"
MODELS = ("pocket", "pocket-flow")
UNEVEN = Schedule(
    {"full": Kind(), "held": Kind(0), "line": Kind(0, {}, "linear")},
    ("full", "full", "held", "full", "line", "line", "held", "full", "held", "held"),
)


@pytest.fixture(scope="module", params=MODELS)
def pocket(request: pytest.FixtureRequest) -> Any:
    pipe = load_pipeline(request.param)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def counted(pipe: Any, *args: Any, **call: Any) -> tuple[int, int]:
    """How often a run computed something, and how often its loop went round."""
    denoiser = denoiser_of(pipe)
    first = denoiser.conv_in if hasattr(denoiser, "conv_in") else denoiser.pos_embed
    computed: list[None] = []
    handle = first.register_forward_hook(lambda *_: computed.append(None))
    pipe(*args, output_type="latent", **call)
    handle.remove()
    return len(computed), pipe.num_timesteps


def written(computed: int, calls: int) -> str:
    return f"{computed} computed calls of {calls}"


@pytest.mark.parametrize("steps", [1, 4, 10, 14])
@pytest.mark.parametrize("fuse", [True, False])
def test_it_counts_the_calls_of_the_last_run(pocket: Any, steps: int, fuse: bool) -> None:
    with dato.applied(pocket, UNEVEN, resample="nearest", fuse=fuse):
        assert dato.explain(pocket).startswith(written(4, 10)), "no run yet"
        computed, looped = counted(pocket, PROMPT, num_inference_steps=steps)
        calls = len(UNEVEN.resampled(steps).steps)
        assert looped == (computed if fuse and computed < calls else calls)
        assert dato.explain(pocket).startswith(written(computed, calls))
        counted(pocket, PROMPT, num_inference_steps=10)
        assert dato.explain(pocket).startswith(written(4, 10)), "the last one counts"


@pytest.mark.parametrize("steps", [7, 14, 28])
def test_a_shipped_preset_is_stretched_as_it_says(steps: int) -> None:
    pipe = load_pipeline("pocket-flow")
    pipe.set_progress_bar_config(disable=True)
    dato.apply(pipe, "pocket-flow/quality", resample="nearest")
    computed, _ = counted(pipe, PROMPT, num_inference_steps=steps, guidance_scale=3.0)
    assert dato.explain(pipe) == f"{written(computed, steps)}, fused."


@pytest.mark.parametrize("model", MODELS)
def test_a_tuned_preset_always_makes_its_calls(model: str) -> None:
    pipe = load_pipeline(model)
    preset = dato.load_preset(f"{model}/fast")
    dato.apply(pipe, preset)
    calls, scale = preset.schedule.calls, preset.sampler.guidance_scale
    computed, _ = counted(pipe, PROMPT, num_inference_steps=calls, guidance_scale=scale)
    assert computed == calls
    assert dato.explain(pipe) == f"{calls} computed calls at tuned timesteps."


@pytest.mark.parametrize("model", MODELS)
def test_a_run_from_a_picture_has_the_calls_that_its_strength_leaves(model: str) -> None:
    own = load_pipeline(model)
    call: dict[str, Any] = {"strength": 0.6, "num_inference_steps": 10}
    if model == "pocket":
        pipe = diffusers.StableDiffusionImg2ImgPipeline(**own.components)
    else:
        pipe = diffusers.StableDiffusion3Img2ImgPipeline(**own.components)
        call |= {"max_sequence_length": 0, "height": 64, "width": 64}
    pipe.set_progress_bar_config(disable=True)
    dato.apply(pipe, UNEVEN, resample="nearest")
    computed, looped = counted(pipe, PROMPT, image=torch.zeros(1, 3, 64, 64), **call)
    assert looped == 6
    assert dato.explain(pipe).startswith(f"{written(computed, 6)}, call by call")


def test_timesteps_are_given_where_the_last_run_had_them() -> None:
    pipe = tiny_pipe(sampler=scheduler(diffusers.DPMSolverMultistepScheduler, steps_offset=1))
    values = (999.0, 850.0, 645.0, 455.0, 233.0, 24.0)
    sampler = SamplerInfo("DPMSolverMultistepScheduler", 6, 6, 3.0, timesteps=values)
    model = ModelInfo("tiny", 12, "", (16, 16))
    preset = Preset("given", model, sampler, Schedule.uniform(6, 2, 0))
    dato.apply(pipe, preset, resample="nearest")
    assert dato.explain(pipe) == "3 computed calls of 6, at given timesteps, fused."
    generate(pipe, 8)
    assert dato.explain(pipe) == "4 computed calls of 8, fused."
    generate(pipe, 6)
    assert dato.explain(pipe) == "3 computed calls of 6, at given timesteps, fused."
