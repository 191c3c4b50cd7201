"""Who runs another number of calls than a schedule has is told a number of steps that works."""

from __future__ import annotations

import re
from typing import Any

import diffusers
import pytest

import dato
from dato import Kind, MismatchError, Schedule, TunedSampler
from dato.pocket import load_pipeline
from dato.step_counts import calls_of, steps_of
from tests.dato.tiny import generate, scheduler, tiny_pipe

TWICE = ("HeunDiscreteScheduler", "KDPM2DiscreteScheduler")
ONCE = ("DDIMScheduler", "EulerDiscreteScheduler", "UniPCMultistepScheduler")
pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__")
PROMPT = "a red circle on a white background"


def made(name: str) -> Any:
    extra = {"skip_prk_steps": True} if name == "PNDMScheduler" else {}
    return scheduler(getattr(diffusers, name), steps_offset=1, **extra)


def tuned(calls: int) -> Schedule:
    """A tuned sampler of so many calls."""
    timesteps = tuple(950.0 - 900 * call / calls for call in range(calls))
    sampler = TunedSampler(timesteps, ((1.0,),) * calls)
    return Schedule({"full": Kind()}, ("full",) * calls, tuned=sampler)


def refused(pipe: Any, steps: int) -> str:
    with pytest.raises(MismatchError) as raised:
        generate(pipe, steps)
    return str(raised.value)


def advised(text: str) -> int:
    (steps,) = re.findall(r"num_inference_steps=(\d+)", text)
    return int(steps)


@pytest.mark.parametrize("name", [*ONCE, *TWICE, "PNDMScheduler"])
def test_the_steps_are_those_that_make_the_calls(name: str) -> None:
    sampler = made(name)
    before = sampler.timesteps
    for steps in (5, 6, 12):
        assert steps_of(sampler, calls_of(sampler, steps)) == steps
    assert sampler.timesteps is before
    for calls in (4, 8):
        assert (steps_of(sampler, calls) is None) == (name in TWICE)


def test_one_that_shifts_by_size_counts_too() -> None:
    flux = diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    assert steps_of(flux, 4) == 4


def test_one_that_says_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="object does not say how many calls it makes"):
        steps_of(object(), 3)


@pytest.mark.parametrize("schedule", [tuned(7), Schedule.full(7), Schedule.uniform(7, 2, 0)])
@pytest.mark.parametrize("name", [*ONCE, *TWICE, "PNDMScheduler"])
def test_following_the_advice_runs(name: str, schedule: Schedule) -> None:
    pipe = tiny_pipe(sampler=made(name))
    dato.apply(pipe, schedule)
    text = refused(pipe, 7 if name in (*TWICE, "PNDMScheduler") else 5)
    generate(pipe, advised(text))
    assert ("resample" in text) == (schedule.tuned is None)


@pytest.mark.parametrize("name", TWICE)
def test_where_no_number_of_steps_helps_it_says_so(name: str) -> None:
    pipe = tiny_pipe(sampler=made(name))
    dato.apply(pipe, tuned(4))
    text = refused(pipe, 4)
    assert f"{name} makes 4 calls in no number of steps: set a sampler" in text
    pipe.scheduler = diffusers.EulerDiscreteScheduler.from_config(pipe.scheduler.config)
    assert "EulerDiscreteScheduler.from_config(pipe.scheduler.config), call dato.apply" in text
    dato.apply(pipe, tuned(4))
    generate(pipe, advised(text))
    pipe = tiny_pipe(sampler=made(name))
    dato.apply(pipe, Schedule.full(4))
    text = refused(pipe, 4)
    assert text.endswith('4 calls in no number of steps: apply with resample="nearest".')
    generate(dato.apply(pipe, Schedule.full(4), resample="nearest"), 4)


def test_heun_of_flow_matching_is_told_eulers_line() -> None:
    pipe = load_pipeline("pocket-flow")
    pipe.set_progress_bar_config(disable=True)
    own = pipe.scheduler.config
    pipe.scheduler = diffusers.FlowMatchHeunDiscreteScheduler.from_config(own)
    fast = dato.load_preset("pocket-flow/fast").schedule
    dato.apply(pipe, fast)
    with pytest.raises(MismatchError, match="in no number of steps") as raised:
        pipe(PROMPT, num_inference_steps=4)
    line = "FlowMatchEulerDiscreteScheduler.from_config(pipe.scheduler.config)"
    assert f"pipe.scheduler = {line}" in str(raised.value)
    pipe.scheduler = diffusers.FlowMatchEulerDiscreteScheduler.from_config(pipe.scheduler.config)
    assert pipe.scheduler.config.shift == own.shift
    dato.apply(pipe, fast)
    pipe(PROMPT, num_inference_steps=advised(str(raised.value)), output_type="latent")
