"""Half precision costs a fused run no more than the rounding of what it hands on."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import dato
from dato import Schedule
from dato.runtime.forecast import forecasts
from dato.runtime.fusion import skipped_calls
from dato.sampler.fused_run import FusedRun
from dato.sampler.step_types import StepTypes
from dato.sampler.trace import Trace
from dato.sampler.traced import traced
from tests.dato.models import FAMILIES
from tests.dato.sampler.schedulers import DIFFUSION, FLOW, PLAIN, calls_of, made, of_diffusion
from tests.dato.tiny import random

pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__ must accept")
HALVES = (torch.float16, torch.bfloat16)
SHAPE = (2, 4, 8, 8)


def scheduler(name: str) -> Any:
    """Of a diffusion model, or ``flow`` and one of flow matching."""
    flow = name.removeprefix("flow ")
    return of_diffusion(name) if flow == name else made(*FLOW[flow])


def opened(own: Any) -> tuple[Trace, StepTypes]:
    schedule = Schedule.uniform(calls_of(own, 12), 4, 0, forecast="linear")
    return traced(own, skipped_calls(schedule, own, forecasts), schedule.quantity)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", [*DIFFUSION, *PLAIN, *(f"flow {name}" for name in FLOW)])
def test_an_update_is_its_sum_rounded_once(name: str, dtype: torch.dtype) -> None:
    """Bounds: half a unit in the last place of the result, and float32's for each term."""
    own = scheduler(name)
    trace, types = opened(own)
    run = FusedRun(trace, own.timesteps, types)
    known: list[tuple[Tensor, Tensor]] = []
    latents = (random(*SHAPE) * float(getattr(own, "init_noise_sigma", 1.0))).to(dtype)
    for call, update in enumerate(trace.updates):
        output = random(*SHAPE, seed=call + 1).to(dtype)
        known.append((latents.double(), output.double()))
        terms = [known[each][0] * weight for each, weight in update.latents.items()]
        terms += [known[each][1] * weight for each, weight in update.outputs.items()]
        exact, size = sum(terms, torch.zeros(())), sum((each.abs() for each in terms), 0.0)
        latents = run.step(output, latents)
        least = torch.finfo(latents.dtype)
        bound = least.eps / 2 * exact.abs() + least.smallest_normal * least.eps
        bound += len(terms) * torch.finfo(torch.float32).eps * size
        assert bool(((latents.double() - exact).abs() <= 1.01 * bound).all())


@pytest.mark.parametrize("name", [*DIFFUSION, *PLAIN, *(f"flow {name}" for name in FLOW)])
def test_latents_have_the_type_that_the_schedulers_step_gives_them(name: str) -> None:
    own = scheduler(name)
    trace, types = opened(own)
    one = random(*SHAPE)
    for output, latents in ((a, b) for a in (*HALVES, torch.float32) for b in HALVES):
        calls_of(own, 12)  # a new run
        if hasattr(own, "scale_model_input"):
            own.scale_model_input(one, own.timesteps[0])
        expected = own.step(one.to(output), own.timesteps[0], one.to(latents)).prev_sample.dtype
        run = FusedRun(trace, own.timesteps, types)
        assert run.step(one.to(output), one.to(latents)).dtype == expected


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", ["sd15", "sd21", "sdxl", "sd3", "flux-dev"])
def test_an_image_is_no_further_from_float32s_than_call_by_call(
    name: str, dtype: torch.dtype
) -> None:
    """Call by call every skipped step rounds as well. Half as much more, because the model answers
    the two roundings in different ways."""
    family = FAMILIES[name]()
    schedule = Schedule.uniform(12, 4, 0)

    def run() -> Tensor:
        halves: dict[str, Any] = {
            key: value.to(dtype)
            if isinstance(value, Tensor) and value.is_floating_point()
            else value
            for key, value in family.inputs(1, (16, 16), 1).items()
        }
        return family.generate(12, **halves)

    with dato.applied(family.pipe, schedule, fuse=False):
        exact = family.generate(12)
        family.pipe.to(dtype)
        expected = run()
    with dato.applied(family.pipe, schedule):
        result = run()
        assert dato.explain(family.pipe).endswith("fused.")
    assert result.dtype == expected.dtype
    rounding = (expected.float() - exact).abs().mean()
    assert (result.float() - exact).abs().mean() < 1.5 * rounding
