"""``export-sampler``: a preset as a sampler file for any runtime."""

from __future__ import annotations

import argparse
from typing import Any

import dato
from dato import Preset
from dato.export import says_its_levels
from search.cli.chosen import model_of
from search.cli.model_fit import check_sampler
from search.cli.places import check_file_place
from search.errors import UserError
from search.model.loading import load_scheduler
from search.model.samplers import set_preset_scheduler

LEAVE_LEVELS = ("StableDiffusion3", "Sana")
"""Beginnings of the names of pipelines of flow matching whose calls leave noise levels to the
scheduler. Most others pass some, which only a run knows; pipelines that are not listed count as
such."""


def export_sampler(options: argparse.Namespace) -> int:
    """Write the file."""
    check_file_place("--out", options.out)
    preset = dato.load_preset(options.preset)
    model = model_of(preset, options.overrides)
    check_sampler(preset, model, options.overrides)
    pipe = load_scheduler(model)
    set_preset_scheduler(pipe, preset.sampler)
    _check_levels(pipe, preset)
    dato.export_sampler(preset, pipe.scheduler).save(options.out)
    print(options.out)
    return 0


def _check_levels(pipe: Any, preset: Preset) -> None:
    kind = type(pipe).__name__
    if not kind.startswith(LEAVE_LEVELS) and not says_its_levels(preset, pipe.scheduler):
        raise UserError(
            f"A {kind} passes noise levels to its scheduler, which no configuration says. In "
            "Python, call the scheduler's set_timesteps as the pipeline does, then "
            "dato.export_sampler(preset, pipe.scheduler).save(FILE)."
        )
