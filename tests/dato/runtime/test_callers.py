"""The engine knows whose call it runs and whether it is guided, or it says that it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import diffusers
import pytest
import torch
from diffusers import StableDiffusionPipeline
from torch import Tensor

import dato
from dato.errors import MismatchError, UnsupportedError
from dato.schedule import Schedule
from tests.dato.models import pixart, tiny_vae
from tests.dato.tiny import (
    PRUNE,
    WIDTH,
    generate,
    generated,
    noise,
    prompts,
    random,
    scheduler,
    tiny_pipe,
    tiny_unet,
)

STEPS = 4
CACHED = Schedule.uniform(STEPS, 2, 1)
PRUNED = Schedule.uniform(STEPS, 2, 1, PRUNE)


Run = Callable[[], Any]


def edited(pipe: Any, batch: int) -> tuple[Any, Run]:
    """diffusers' own way to another pipeline on the same modules, and a run of it."""
    other = diffusers.StableDiffusionImg2ImgPipeline.from_pipe(pipe)
    inputs = {"image": noise(batch), "strength": 1.0, **prompts(batch)}
    return other, lambda: other(**inputs, num_inference_steps=STEPS, guidance_scale=1.0)


def of_the_same_parts(pipe: Any, batch: int) -> tuple[Any, Run]:
    other = StableDiffusionPipeline(**pipe.components, requires_safety_checker=False)
    return other, lambda: generate(other, STEPS, batch, guidance_scale=1.0)


def with_another_sampler(pipe: Any, batch: int) -> tuple[Any, Run]:
    other = tiny_pipe(pipe.unet)
    return other, lambda: generate(other, STEPS, batch, guidance_scale=1.0)


@pytest.mark.parametrize("schedule", [Schedule.full(STEPS), CACHED, PRUNED])
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("make", [edited, of_the_same_parts, with_another_sampler])
def test_another_pipeline_on_the_denoiser_is_refused_by_name(
    pipe: Any, make: Callable[[Any, int], tuple[Any, Run]], batch: int, schedule: Schedule
) -> None:
    other, run = make(pipe, batch)
    dato.apply(pipe, schedule)
    expected = generate(pipe, STEPS, batch)
    with pytest.raises(MismatchError, match=f"Another {type(other).__name__} calls a denoiser"):
        run()
    assert torch.equal(generate(pipe, STEPS, batch), expected)


def test_a_pipeline_may_call_the_one_that_it_shares_the_denoiser_with(pipe: Any) -> None:
    class Combined(diffusers.DiffusionPipeline):  # type: ignore[misc]
        """Runs another pipeline, as diffusers' combined pipelines do."""

        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner, self.unet, self.scheduler = inner, inner.unet, inner.scheduler

        def __call__(self, batch: int) -> Tensor:
            return generate(self.inner, STEPS, batch)

    outer = Combined(pipe)
    expected = generated(pipe, PRUNED, batch=2)
    with dato.applied(outer, PRUNED):
        assert torch.equal(outer(2), expected)


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_images_that_start_alike_are_those_that_each_gives_alone(guidance: float) -> None:
    family = pixart()
    options: dict[str, Any] = {"guidance_scale": guidance, "latents": noise(1)}
    text = family.inputs(2, (16, 16), 1)
    with dato.applied(family.pipe, Schedule.uniform(STEPS, 2, 1, {"level_0": 0.5})):
        both = family.generate(STEPS, 2, **options | {"latents": noise(1).repeat(2, 1, 1, 1)})
        for image in range(2):
            row = slice(image, image + 1)
            own = {name: text[name][row] for name in text if isinstance(text[name], Tensor)}
            alone = family.generate(STEPS, **own | options)
            torch.testing.assert_close(both[row], alone, rtol=1e-3, atol=1e-3)


def test_guidance_of_another_shape_caches_and_does_not_prune() -> None:
    kind = diffusers.StableDiffusionInstructPix2PixPipeline
    pipe = tiny_pipe(tiny_unet(in_channels=8), kind=kind)
    pipe.vae = tiny_vae(latent_channels=4)

    def run() -> Tensor:
        picture = random(1, 3, 128, 128, seed=3).clamp(0, 1)
        inputs = {"image": picture, "latents": noise(1), **prompts(1), "guidance_scale": 3.0}
        images: Tensor = pipe(**inputs, num_inference_steps=STEPS, output_type="latent").images
        return images

    expected = run()
    with dato.applied(pipe, Schedule.full(STEPS)):
        assert torch.equal(run(), expected)
    with dato.applied(pipe, CACHED):
        assert not torch.equal(run(), expected)
    words = r"StableDiffusionInstruct\w+ has 3 rows for 1 images"
    with dato.applied(pipe, PRUNED), pytest.raises(UnsupportedError, match=words):
        run()


class Silent(StableDiffusionPipeline):  # type: ignore[misc]
    """A pipeline that does not say whether it guides."""

    do_classifier_free_guidance = None


def test_a_pipeline_that_does_not_say_whether_it_guides_caches_and_does_not_prune() -> None:
    pipe = tiny_pipe(kind=Silent)
    alone: dict[str, Any] = {"guidance_scale": 1.0}
    assert torch.isfinite(generated(pipe, CACHED, batch=2, **alone)).all()
    assert torch.equal(generated(pipe, PRUNED, **alone), generated(tiny_pipe(), PRUNED, **alone))
    with (
        dato.applied(pipe, PRUNED),
        pytest.raises(UnsupportedError, match="2 rows from Silent"),
    ):
        generate(pipe, STEPS, 2, **alone)


def test_a_loop_by_hand_is_not_taken_for_the_run_before_it(pipe: Any) -> None:
    def denoised(rows: int) -> list[Tensor]:
        pipe.scheduler.set_timesteps(STEPS)
        return [
            pipe.unet(noise(rows), timestep, torch.zeros(rows, 5, WIDTH)).sample
            for timestep in pipe.scheduler.timesteps
        ]

    with dato.applied(pipe, CACHED):
        denoised(2)
    with dato.applied(pipe, PRUNED):
        generate(pipe, STEPS)
        denoised(1)
        with pytest.raises(UnsupportedError, match="2 rows from a call that no pipeline makes"):
            denoised(2)


def test_a_distilled_model_takes_its_guidance_as_an_input() -> None:
    pipe = tiny_pipe(tiny_unet(time_cond_proj_dim=8), scheduler(steps_offset=1))
    batch = generated(pipe, PRUNED, batch=2, guidance_scale=3.0)
    alone = generated(pipe, PRUNED, guidance_scale=3.0)
    torch.testing.assert_close(batch[:1], alone, rtol=1e-4, atol=1e-4)
