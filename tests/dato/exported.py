"""Presets on several samplers for the embedded model, each with its pipeline."""

from __future__ import annotations

from functools import cache
from typing import Any

import diffusers

from dato import Kind, Preset, Schedule, TunedSampler
from dato.pocket import load_pipeline
from dato.preset import ModelInfo, SamplerInfo

STEPS = 20
TUNED = TunedSampler((999.0, 780.25, 520.5, 190.75), ((1.0,), (1.4, -0.4), (1.6, -0.8, 0.2), (1,)))
SAMPLERS: dict[str, tuple[str, dict[str, Any]]] = {
    "ddim": ("DDIMScheduler", {}),
    "dpm": ("DPMSolverMultistepScheduler", {}),
    "dpm karras": ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "tuned": ("DDIMScheduler", {}),
}


@cache
def _pocket() -> tuple[Any, Any]:
    pipe = load_pipeline()
    pipe.set_progress_bar_config(disable=True)
    return pipe, pipe.scheduler.config


def exported(name: str) -> tuple[Any, Preset]:
    """The pipeline with one of :data:`SAMPLERS`, and a preset of five calls for each computed."""
    pipe, config = _pocket()
    kind, settings = SAMPLERS[name]
    pipe.scheduler = getattr(diffusers, kind).from_config(config, **settings)
    if name == "tuned":
        return pipe, preset_of(pipe, Schedule({"full": Kind()}, ("full",) * 4, tuned=TUNED), 4)
    pipe.scheduler.set_timesteps(STEPS)
    calls = len(pipe.scheduler.timesteps)
    return pipe, preset_of(pipe, Schedule.uniform(calls, 5, 0, forecast="linear"), STEPS)


def preset_of(pipe: Any, schedule: Schedule, steps: int) -> Preset:
    """A schedule as a preset for a pipeline's scheduler."""
    sampler = SamplerInfo(type(pipe.scheduler).__name__, steps, schedule.calls, 2.0)
    return Preset("pocket/exported", ModelInfo("pocket", 12, "", (32, 32)), sampler, schedule)
