"""What is held is converted with the noisy channels of an input, or it is refused."""

from __future__ import annotations

from typing import Any

import diffusers
import pytest
import torch
from diffusers import DDIMScheduler
from torch import Tensor

import dato
from dato.errors import UnsupportedError
from dato.schedule import Schedule
from tests.dato.models import tiny_vae
from tests.dato.tiny import WIDTH, noise, prompts, random, scheduler, tiny_pipe, tiny_unet

STEPS = 8
HELD = Schedule.uniform(STEPS, 2, 0)


class PictureFirst(diffusers.StableDiffusionPipeline):  # type: ignore[misc]
    """Puts a known picture before what is noisy, under a name of its own, as Marigold does."""

    def __call__(self, steps: int) -> Tensor:
        self.scheduler.set_timesteps(steps)
        timesteps = self.scheduler.timesteps
        depth = noise(1)
        for t in timesteps:
            given = torch.cat([noise(1, seed=5), depth], 1)
            output = self.unet(given, t, random(1, 5, WIDTH)).sample
            depth = self.scheduler.step(output, t, depth).prev_sample
        return depth


def v_sampler() -> Any:
    return scheduler(
        DDIMScheduler,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        steps_offset=1,
    )


def picture_first() -> Any:
    return tiny_pipe(tiny_unet(in_channels=8), v_sampler(), PictureFirst)


def test_a_picture_before_the_latents_is_right_when_fused_and_else_refused() -> None:
    pipe = picture_first()
    with dato.applied(pipe, HELD):
        result = pipe(STEPS)
    torch.testing.assert_close(result, pipe(STEPS // 2), rtol=1e-3, atol=1e-3)
    for fuse, plan in ((False, HELD), (False, Schedule.uniform(STEPS, 2, 1, {"level_0": 0.5}))):
        with (
            dato.applied(pipe, plan, fuse=fuse),
            pytest.raises(UnsupportedError, match="input has 8 channels for an output of 4"),
        ):
            pipe(STEPS)
    plain = Schedule.uniform(STEPS, 2, 1)
    with dato.applied(pipe, plan_of_outputs(plain), fuse=False):
        assert torch.isfinite(pipe(STEPS)).all()


def plan_of_outputs(plan: Schedule) -> Schedule:
    return Schedule(plan.kinds, plan.steps, quantity="output")


def test_latents_before_a_picture_are_known_by_their_values() -> None:
    kind = diffusers.StableDiffusionInstructPix2PixPipeline
    pipe = tiny_pipe(tiny_unet(in_channels=8), v_sampler(), kind)
    pipe.vae = tiny_vae(latent_channels=4)
    picture = random(1, 3, 128, 128, seed=3).clamp(0, 1)

    def run(steps: int) -> Tensor:
        inputs: dict[str, Any] = {"image": picture, "latents": noise(1), **prompts(1)}
        images: Tensor = pipe(**inputs, num_inference_steps=steps, output_type="latent").images
        return images

    with dato.applied(pipe, HELD):
        fused = run(STEPS)
    with dato.applied(pipe, HELD, fuse=False):
        torch.testing.assert_close(run(STEPS), fused, rtol=1e-4, atol=1e-4)
