"""Presets whose sampler has timesteps: the pipeline's call runs them, to the bit as for a user."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    UniPCMultistepScheduler,
)

import dato
from dato import Kind, Schedule
from dato.preset import ModelInfo, Preset, SamplerInfo
from tests.dato.models import FAMILIES
from tests.dato.tiny import generate, scheduler, tiny_pipe

TIMESTEPS = (999.0, 850.0, 645.0, 455.0, 233.0, 24.0)
FULL = Schedule.full(6)
PRUNED = Schedule({"full": Kind(prune={"level_0": 0.5})}, ("full",) * 6)
SKIPPING = Schedule.uniform(6, 2, 0, forecast="linear")


def preset(pipe: Any, schedule: Schedule, timesteps: Sequence[float] = TIMESTEPS) -> Preset:
    sampler = SamplerInfo(type(pipe.scheduler).__name__, 6, 6, 3.0, timesteps=tuple(timesteps))
    branches = dato.topology(pipe).skip_branches
    return Preset("given", ModelInfo("tiny", branches, "", (16, 16)), sampler, schedule)


@pytest.mark.parametrize("kind", [DPMSolverMultistepScheduler, EulerDiscreteScheduler])
@pytest.mark.parametrize("schedule", [FULL, PRUNED, SKIPPING], ids=["full", "pruned", "skipping"])
def test_a_preset_runs_its_timesteps(kind: Any, schedule: Schedule) -> None:
    pipe = tiny_pipe(sampler=scheduler(kind, steps_offset=1))
    with dato.applied(pipe, schedule):
        wanted = generate(pipe, timesteps=[int(each) for each in TIMESTEPS])
    with dato.applied(pipe, preset(pipe, schedule)):
        assert torch.equal(generate(pipe), wanted)
        assert "at given timesteps" in dato.explain(pipe)
    plain = generate(pipe, timesteps=[int(each) for each in TIMESTEPS])
    assert torch.equal(plain, wanted) == (schedule is FULL)


def test_flow_matching_runs_shares_of_noise_with_the_shift_in_them() -> None:
    family = FAMILIES["sd3"]()
    pipe = family.pipe
    pipe.scheduler = type(pipe.scheduler)(shift=3.0)
    values = (1000.0, 930.0, 810.0, 640.0, 400.0, 150.0)
    with dato.applied(pipe, preset(pipe, FULL, values)):
        family.generate(6)
        assert pipe.scheduler.timesteps.tolist() == pytest.approx(values, abs=0.01)


def test_afterwards_the_scheduler_is_as_it_was() -> None:
    pipe = tiny_pipe(sampler=scheduler(DPMSolverMultistepScheduler, steps_offset=1))
    before, names = generate(pipe), set(vars(pipe.scheduler))
    dato.apply(pipe, preset(pipe, FULL))
    generate(pipe)
    dato.remove(pipe)
    assert torch.equal(generate(pipe), before)
    assert set(vars(pipe.scheduler)) == names


def test_another_number_of_steps_is_another_run() -> None:
    pipe = tiny_pipe(sampler=scheduler(DPMSolverMultistepScheduler, steps_offset=1))
    plain = generate(pipe, steps=8)
    dato.apply(pipe, preset(pipe, FULL))
    with pytest.raises(dato.MismatchError, match="makes 8"):
        generate(pipe, steps=8)
    dato.apply(pipe, preset(pipe, FULL), resample="nearest")
    assert torch.equal(generate(pipe, steps=8), plain)


def test_a_scheduler_that_takes_none_is_refused_at_once() -> None:
    pipe = tiny_pipe(sampler=scheduler(UniPCMultistepScheduler, steps_offset=1))
    with pytest.raises(dato.UnsupportedError, match="takes none"):
        dato.apply(pipe, preset(pipe, FULL))
    pipe.scheduler = scheduler(DPMSolverMultistepScheduler, steps_offset=1, use_karras_sigmas=True)
    dato.apply(pipe, preset(pipe, FULL))
    with pytest.raises(dato.UnsupportedError, match="use_karras_sigmas"):
        generate(pipe)


def test_a_scheduler_that_came_later_does_not_know_them() -> None:
    pipe = tiny_pipe(sampler=scheduler(DPMSolverMultistepScheduler, steps_offset=1))
    dato.apply(pipe, preset(pipe, FULL))
    pipe.scheduler = scheduler(DPMSolverMultistepScheduler, steps_offset=1)
    with pytest.raises(dato.MismatchError, match="another scheduler"):
        generate(pipe)


def test_they_are_in_the_file_and_in_its_words() -> None:
    given = preset(tiny_pipe(sampler=scheduler(DPMSolverMultistepScheduler, steps_offset=1)), FULL)
    read = Preset.from_json(given.to_json())
    assert read == given
    assert read.version == 4
    assert "timesteps 999 850 645" in read.card()
    plain = dataclasses.replace(given.sampler, timesteps=())
    assert "timesteps" not in dataclasses.replace(given, sampler=plain).to_json()
