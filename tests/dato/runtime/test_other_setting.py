"""A run at another setting than its preset was found at says so, in plain words."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import diffusers
import pytest
import torch

import dato
from dato.errors import SettingWarning
from dato.preset import ModelInfo, Preset, SamplerInfo
from dato.schedule import Kind, Schedule
from tests.dato.models import FAMILIES
from tests.dato.tiny import generate, scheduler, tiny_pipe

STEPS = 4


def found_at(scale: float, name: str = "DDIMScheduler", depth: int = 1) -> Preset:
    """A preset whose calls between full ones have a depth: 0 is fused whole."""
    model = ModelInfo("tiny", 12, "", (16, 16))
    schedule = Schedule.uniform(STEPS, 2, depth)
    return Preset("tiny/found", model, SamplerInfo(name, STEPS, STEPS, scale), schedule)


def said(pipe: Any, preset: Preset, **call: Any) -> list[str]:
    """The warnings of one run."""
    with warnings.catch_warnings(record=True) as heard, dato.applied(pipe, preset):
        warnings.simplefilter("always")
        generate(pipe, STEPS, **call)
    return [str(each.message) for each in heard if each.category is SettingWarning]


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize("batch", [1, 2])
def test_another_scale_is_said_once_a_run(pipe: Any, batch: int, depth: int) -> None:
    preset = found_at(2.0, depth=depth)
    (higher,) = said(pipe, preset, batch=batch, guidance_scale=7.5)
    assert "'tiny/found' was found at guidance_scale=2, and this run has 7.5" in higher
    assert "makes forecasts miss more" in higher
    (lower,) = said(pipe, found_at(9.0), guidance_scale=7.5)
    assert "a lower scale is easier to forecast" in lower


def test_the_scale_that_it_was_found_at_is_silent(pipe: Any) -> None:
    assert said(pipe, found_at(3.0), guidance_scale=3.0) == []
    assert said(pipe, found_at(3.0), guidance_scale=3) == []


def test_inside_the_range_that_it_was_tuned_for_it_is_silent(pipe: Any) -> None:
    preset = found_at(3.0)
    wide = dataclasses.replace(preset.sampler, guidance_range=(2.0, 5.0))
    tuned = dataclasses.replace(preset, sampler=wide)
    for scale in (2.0, 4.5, 5.0):
        assert said(pipe, tuned, guidance_scale=scale) == []
    (higher,) = said(pipe, tuned, guidance_scale=7.5)
    assert "was found at guidance scales from 2 to 5, and this run has 7.5; a higher" in higher
    (lower,) = said(pipe, tuned, guidance_scale=1.5)
    assert "a lower scale is easier to forecast" in lower


def test_unguided_runs_are_all_the_same(pipe: Any) -> None:
    assert said(pipe, found_at(1.0), guidance_scale=0.0) == []
    (said_once,) = said(pipe, found_at(1.0), guidance_scale=3.0)
    assert "guidance_scale=1" in said_once


@pytest.mark.parametrize("fuse", [True, False])
def test_it_is_said_however_the_run_goes(pipe: Any, fuse: bool) -> None:
    kinds = {"full": Kind("full"), "cut": Kind(1), "skipped": Kind(0)}
    schedule = Schedule(kinds, ("full", "cut", "skipped", "skipped"))
    preset = dataclasses.replace(found_at(2.0), schedule=schedule)
    with warnings.catch_warnings(record=True) as heard, dato.applied(pipe, preset, fuse=fuse):
        warnings.simplefilter("always")
        generate(pipe, STEPS, guidance_scale=7.5)
        generate(pipe, STEPS, guidance_scale=7.5)
    assert sum(each.category is SettingWarning for each in heard) == 2


def test_a_schedule_on_its_own_says_nothing_of_guidance(pipe: Any) -> None:
    with warnings.catch_warnings(), dato.applied(pipe, found_at(3.0).schedule):
        warnings.simplefilter("error")
        generate(pipe, STEPS, guidance_scale=9.0)


def test_noise_and_rescaled_guidance_are_other_settings_too(pipe: Any) -> None:
    (noise,) = said(pipe, found_at(3.0), eta=0.5)
    assert "eta=0, and this run has 0.5" in noise
    (rescaled,) = said(pipe, found_at(3.0), guidance_rescale=0.7)
    assert "guidance_rescale=0, and this run has 0.7" in rescaled


def test_a_sampler_that_takes_no_eta_is_silent_about_it() -> None:
    euler = tiny_pipe(sampler=scheduler(diffusers.EulerDiscreteScheduler, steps_offset=1))
    assert said(euler, found_at(3.0, "EulerDiscreteScheduler"), eta=0.5) == []


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize(
    ("name", "found", "said_of"),
    [
        ("sdxl", 7.0, True),
        ("pixart", 4.5, True),
        ("sd3", 7.0, True),
        ("sd3", 1.0, True),
        ("flux-dev", 3.5, True),  # its scale is an input of the denoiser
        ("flux-schnell", 3.5, False),  # distilled without one: all scales are the same
    ],
)
def test_each_family_says_it_where_a_scale_changes_its_images(
    name: str, found: float, said_of: bool, depth: int
) -> None:
    family = FAMILIES[name]()
    preset = found_at(found, type(family.pipe.scheduler).__name__, depth)
    branches = dato.topology(family.denoiser).skip_branches
    model = dataclasses.replace(preset.model, skip_branches=branches)
    preset = dataclasses.replace(preset, model=model)
    images, words = [], []
    for scale in (found, 3.0):
        with warnings.catch_warnings(record=True) as heard, dato.applied(family.pipe, preset):
            warnings.simplefilter("always")
            images.append(family.generate(STEPS, guidance_scale=scale))
        words.append([str(each.message) for each in heard if each.category is SettingWarning])
    assert words[0] == []
    assert [f"guidance_scale={found:g}, and this run has 3" in each for each in words[1]] == (
        [True] * said_of
    )
    assert torch.equal(*images) is not said_of
