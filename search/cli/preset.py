"""``validate``: presets against the format and a model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import dato
from dato import DatoError, Preset
from search.errors import UserError


def validate(options: argparse.Namespace) -> int:
    """Check each preset, and say what is wrong with it."""
    check = _nothing if options.model is None else _fits(options.model)
    broken = 0
    for name in options.presets:
        try:
            preset = dato.load_preset(name)
            check(preset)
        except (DatoError, UserError) as error:
            broken += 1
            print(f"{name}: {error}", file=sys.stderr)
        else:
            print(f"{name}: valid, {preset.schedule.calls} calls, for {preset.model.id}")
    return 2 if broken else 0


def _nothing(preset: Preset) -> None:
    """Without a model, that a preset was read is all that is checked."""


def _fits(path: str) -> Callable[[Preset], None]:
    """A check against the pipeline at ``path``, which loads torch."""
    from search.model.loading import ModelConfig, load_pipeline
    from search.model.samplers import set_preset_scheduler

    pipe = load_pipeline(ModelConfig(path=path))
    original = pipe.scheduler

    def check(preset: Preset) -> None:
        pipe.scheduler = original
        set_preset_scheduler(pipe, preset.sampler)
        with dato.applied(pipe, preset):
            pass

    return check
