"""Timesteps and sigmas that a call is given are no preset's, and are not swallowed in silence."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    StableDiffusionImg2ImgPipeline,
)
from diffusers.schedulers.scheduling_utils import AysSchedules

import dato
from dato import Kind, MismatchError, Preset, Schedule
from dato.errors import SettingWarning
from dato.pocket import load_pipeline
from dato.preset import ModelInfo, SamplerInfo
from tests.dato.models import FAMILIES, Family
from tests.dato.tiny import generate, prompts, scheduler, tiny_pipe

PROMPT = "a red circle on a white background"
OWN = [1.0, 0.7, 0.4, 0.2]
EVEN = np.linspace(1.0, 1 / 28, 28)
SKIPPING = Schedule.uniform(4, 2, 0)
PRUNED = Schedule({"full": Kind(prune={"level_0": 0.5})}, ("full",) * 4)
LISTED = [999, 700, 400, 100]


@pytest.fixture(scope="module")
def pocket() -> Any:
    pipe = load_pipeline("pocket-flow")
    pipe.set_progress_bar_config(disable=True)
    return pipe


def heard(pipe: Any, preset: Any, run: Any, **options: Any) -> list[str]:
    """What a run warns of."""
    with warnings.catch_warnings(record=True) as said, dato.applied(pipe, preset, **options):
        warnings.simplefilter("always")
        run()
    return [str(each.message) for each in said if each.category is SettingWarning]


def of_pocket(pipe: Any, name: str, **call: Any) -> list[str]:
    call = {"guidance_scale": 3.0, "output_type": "latent", "num_inference_steps": 4} | call
    return heard(pipe, f"pocket-flow/{name}", lambda: pipe(PROMPT, **call))


def found(pipe: Any, schedule: Schedule, timesteps: tuple[float, ...] = ()) -> Preset:
    name = type(pipe.scheduler).__name__
    sampler = SamplerInfo(name, schedule.calls, schedule.calls, 3.0, timesteps=timesteps)
    model = ModelInfo("tiny", dato.topology(pipe).skip_branches, "", (16, 16))
    return Preset("tiny/found", model, sampler, schedule)


def dpm(kind: Any = DPMSolverMultistepScheduler) -> Any:
    return tiny_pipe(sampler=scheduler(kind, steps_offset=1))


@pytest.mark.parametrize("sigmas", [OWN, tuple(OWN), np.array(OWN), np.linspace(1, 0.25, 4)])
def test_a_tuned_preset_says_that_sigmas_change_nothing(pocket: Any, sigmas: Any) -> None:
    (said,) = of_pocket(pocket, "fast", sigmas=sigmas)
    assert "'pocket-flow/fast' runs at timesteps of its own" in said
    assert f"sigmas=[1, {sigmas[1]:g}, " in said
    assert "changes nothing" in said


def test_any_other_preset_says_that_it_belongs_to_other_timesteps(pocket: Any) -> None:
    for sigmas in (EVEN, EVEN.tolist()):
        (said,) = of_pocket(pocket, "quality", sigmas=sigmas)
        assert "was found at the timesteps that its sampler makes itself, and this run" in said
        assert "has sigmas=[1, 0.964286, 0.928571, 0.892857, 0.857143, 0.821429, ...]" in said


@pytest.mark.parametrize(("name", "steps"), [("fast", 4), ("balanced", 5), ("quality", 28)])
def test_without_any_a_preset_is_silent(pocket: Any, name: str, steps: int) -> None:
    assert of_pocket(pocket, name, num_inference_steps=steps) == []


@pytest.mark.parametrize(("name", "steps"), [("fast", 4), ("quality", 28)])
def test_another_number_of_them_is_refused_for_what_was_passed(
    pocket: Any, name: str, steps: int
) -> None:
    advice = f"makes 3. Leave sigmas out and pass num_inference_steps={steps}"
    with pytest.raises(MismatchError, match=advice):
        of_pocket(pocket, name, sigmas=OWN[:3], num_inference_steps=steps)


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("schedule", [SKIPPING, PRUNED], ids=["skipping", "pruned"])
def test_timesteps_are_said_however_the_run_goes(schedule: Schedule, fuse: bool) -> None:
    pipe = dpm()
    preset = found(pipe, schedule)
    (said,) = heard(pipe, preset, lambda: generate(pipe, 4, timesteps=LISTED), fuse=fuse)
    assert "timesteps that its sampler makes itself, and this run has timesteps=[999, 700" in said
    assert heard(pipe, preset, lambda: generate(pipe, 4), fuse=fuse) == []
    assert heard(pipe, schedule, lambda: generate(pipe, 4, timesteps=LISTED), fuse=fuse) == []


def test_a_run_from_a_picture_is_silent_without_them() -> None:
    pipe = tiny_pipe(kind=StableDiffusionImg2ImgPipeline)
    pipe.scheduler = scheduler(DPMSolverMultistepScheduler, steps_offset=1)
    preset = found(pipe, Schedule.uniform(3, 2, 0))
    call: dict[str, Any] = {"guidance_scale": 3.0, "output_type": "latent", "strength": 0.6}
    call |= {"image": torch.zeros(1, 4, 16, 16), **prompts(1)}
    assert heard(pipe, preset, lambda: pipe(num_inference_steps=5, **call)) == []
    (said,) = heard(pipe, preset, lambda: pipe(timesteps=[999, *LISTED[1:], 9], **call))
    assert "this run has timesteps=[999, 700, 400, 100, 9]" in said


@pytest.mark.parametrize("schedule", [SKIPPING, PRUNED], ids=["skipping", "pruned"])
def test_a_presets_own_timesteps_may_be_passed_and_others_change_nothing(
    schedule: Schedule,
) -> None:
    pipe = dpm()
    preset = found(pipe, schedule, (999.0, 850.0, 400.0, 24.0))
    for own in ([999, 850, 400, 24], np.array([999, 850, 400, 24])):
        assert heard(pipe, preset, lambda own=own: generate(pipe, 4, timesteps=own)) == []
    (said,) = heard(pipe, preset, lambda: generate(pipe, 4, timesteps=LISTED))
    assert "runs at timesteps of its own" in said
    assert "timesteps=[999, 700, 400, 100]" in said


def test_the_schedules_of_align_your_steps_are_silent_with_their_own_timesteps() -> None:
    pipe = dpm()
    preset = dato.load_preset("sd15/ays-10")
    listed = AysSchedules["StableDiffusionTimesteps"]
    small = dataclasses.replace(preset.model, latent_size=(16, 16))
    preset = dataclasses.replace(preset, model=small)
    assert heard(pipe, preset, lambda: generate(pipe, 10, guidance_scale=7.5)) == []
    call: dict[str, Any] = {"guidance_scale": 7.5, "timesteps": listed}
    assert heard(pipe, preset, lambda: generate(pipe, 10, **call)) == []


def test_own_shares_of_noise_are_silent_under_flow_matching() -> None:
    family: Family = FAMILIES["sd3"]()
    family.pipe.scheduler = FlowMatchEulerDiscreteScheduler(shift=1.0)
    preset = found(family.pipe, SKIPPING, (1000.0, 800.0, 500.0, 200.0))
    own = [1.0, 0.8, 0.5, 0.2]
    assert heard(family.pipe, preset, lambda: family.generate(4, sigmas=own)) == []
    (said,) = heard(family.pipe, preset, lambda: family.generate(4, sigmas=OWN))
    assert "sigmas=[1, 0.7, 0.4, 0.2] of this call changes nothing" in said


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("name", ["flux-dev", "flux-schnell"])
def test_the_sigmas_that_a_pipeline_makes_itself_are_no_callers(name: str, fuse: bool) -> None:
    family: Family = FAMILIES[name]()
    preset = found(family.pipe, SKIPPING)
    assert heard(family.pipe, preset, lambda: family.generate(4), fuse=fuse) == []
    (said,) = heard(family.pipe, preset, lambda: family.generate(4, sigmas=OWN), fuse=fuse)
    assert "this run has sigmas=[1, 0.7, 0.4, 0.2]" in said


@pytest.mark.parametrize("name", ["sd15", "sd21", "sdxl", "pixart", "sd3", "inpainting"])
@pytest.mark.parametrize("fuse", [True, False])
def test_every_family_is_silent_without_any(name: str, fuse: bool) -> None:
    family: Family = FAMILIES[name]()
    preset = found(family.pipe, SKIPPING)
    assert heard(family.pipe, preset, lambda: family.generate(4), fuse=fuse) == []
