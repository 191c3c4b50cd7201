"""Every linear sampler is a tuned one: each step is DDIM's for a sum of the noises so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, FlowMatchEulerDiscreteScheduler
from torch import Tensor

from dato import Schedule
from dato.runtime.forecast import forecasts
from dato.runtime.fusion import skipped_calls
from dato.sampler.noise_levels import noise_levels
from dato.sampler.traced import traced
from dato.sampler.traits import FLOW
from search.tuning.in_noises import noise_sums
from search.tuning.start import written
from tests.dato.sampler.schedulers import FLAT, V, made, of_diffusion
from tests.dato.tiny import BETAS

NAMES = ("ddim", "ddim v", "ddim sample", "dpm", "dpm third order", "euler", "euler v",
         "unipc", "unipc v third order", "flow")  # fmt: skip
FULL, LINES = Schedule.full(8), Schedule.uniform(8, 2, 0, forecast="linear")


def scheduler_of(name: str) -> Any:
    flow = FlowMatchEulerDiscreteScheduler(shift=3.0)
    own = flow if name == "flow" else of_diffusion(name)
    own.set_timesteps(8)
    return own


@dataclass(frozen=True)
class Call:
    """What a call's latents and its output are made of, and what comes after it.

    Args:
        here, there: shares of the clean sample and of the noise, at this call and the next one.
    """

    kind: str
    here: Tensor
    there: Tensor

    def clean(self, given: Tensor, noise: Tensor) -> Tensor:
        """The clean sample in the model's input; under flow matching the noise is a velocity."""
        alpha, sigma = self.here
        clean: Tensor = (given - sigma * noise) / (1 if self.kind == FLOW else alpha)
        return clean

    def output(self, clean: Tensor, noise: Tensor) -> Tensor:
        """What the model says."""
        alpha, sigma = self.here
        velocity: Tensor = alpha * noise - sigma * clean
        return {"v_prediction": velocity, "sample": clean}.get(self.kind, noise)

    def step(self, given: Tensor, clean: Tensor, newest: Tensor, noise: Tensor) -> Tensor:
        """DDIM's for a sum of noises; under flow matching Euler's for one of velocities."""
        (alpha, sigma), (next_alpha, next_sigma) = self.here, self.there
        following: Tensor = given + (next_sigma - sigma) * noise
        if self.kind != FLOW:
            implied = clean - sigma / alpha * (noise - newest)
            following = next_alpha * implied + next_sigma * noise
        return following


@pytest.mark.parametrize("schedule", [FULL, LINES], ids=["full", "lines"])
@pytest.mark.parametrize("name", NAMES)
def test_the_sums_make_the_steps_of_the_trace(name: str, schedule: Schedule) -> None:
    """On a model that answers at random."""
    own = scheduler_of(name)
    trace, _ = traced(own, skipped_calls(schedule, own, forecasts), schedule.quantity)
    levels = noise_levels(own)
    timesteps = own.timesteps.double()[list(trace.calls)]
    rows = noise_sums(levels, timesteps, trace.updates)
    torch.testing.assert_close(rows.sum(1), torch.ones(len(rows)).double(), rtol=0, atol=1e-3)
    shares = torch.stack([*torch.stack(levels.at(timesteps), 1), torch.tensor(levels.end)])
    seeded = torch.Generator().manual_seed(0)
    scales = [*(update.scale for update in trace.updates), 1.0]
    latents = [torch.randn(50, generator=seeded).double() / scales[0]]
    outputs: list[Tensor] = []
    noises: list[Tensor] = []
    for number, update in enumerate(trace.updates):
        call = Call(levels.kind, shares[number], shares[number + 1])
        given = latents[number] * scales[number]
        noises.append(torch.randn(50, generator=seeded).double())
        clean = call.clean(given, noises[number])
        outputs.append(call.output(clean, noises[number]))
        terms = [weight * latents[each] for each, weight in update.latents.items()]
        terms += [weight * outputs[each] for each, weight in update.outputs.items()]
        latents.append(torch.stack(terms).sum(0))
        noise = torch.stack(noises).T @ rows[number, : number + 1]
        expected = latents[-1] * scales[number + 1]
        size = float(torch.stack(terms).abs().max()) + float(clean.abs().max())
        result = call.step(given, clean, noises[number], noise)
        torch.testing.assert_close(result, expected, rtol=0, atol=3e-4 * size)


def test_from_pure_noise_weights_stay_small() -> None:
    """Nothing is divided by the share of the clean sample, which is none."""
    own = DPMSolverMultistepScheduler(**BETAS | V | FLAT)
    own.set_timesteps(8)
    sampler = written(FULL, own)
    assert -0.2 < sampler.weights[1][1] < 0
    assert all(abs(weight) < 3 for row in sampler.weights for weight in row)
    assert all(sum(row) == pytest.approx(1) for row in sampler.weights)


def test_a_schedule_and_its_scheduler_are_told_apart() -> None:
    own = made("DDIMScheduler", BETAS | {"clip_sample": False})
    own.set_timesteps(8)
    assert all(row[0] == pytest.approx(1) for row in written(FULL, own).weights)
    assert written(LINES, own).weights[2][0] > 1.1
