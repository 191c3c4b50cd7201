"""``validate``: presets against the format and a model."""

from __future__ import annotations

import argparse
import sys

import dato
from dato import DatoError
from search.errors import UserError
from search.model.loading import ModelConfig, load_pipeline, set_scheduler


def validate(options: argparse.Namespace) -> int:
    """Check each preset, and say what is wrong with it."""
    pipe = None if options.model is None else load_pipeline(ModelConfig(path=options.model))
    broken = 0
    for name in options.presets:
        try:
            preset = dato.load_preset(name)
            if pipe is not None:
                set_scheduler(pipe, preset.sampler.scheduler)
                with dato.applied(pipe, preset):
                    pass
        except (DatoError, UserError) as error:
            broken += 1
            print(f"{name}: {error}", file=sys.stderr)
        else:
            print(f"{name}: valid, {preset.schedule.calls} calls, for {preset.model.id}")
    return 2 if broken else 0
