"""``export-sampler``: a preset as a sampler file for any runtime."""

from __future__ import annotations

import argparse

import dato
from search.cli.chosen import model_of
from search.cli.places import check_file_place
from search.model.loading import load_scheduler
from search.model.samplers import set_preset_scheduler


def export_sampler(options: argparse.Namespace) -> int:
    """Write the file."""
    check_file_place("--out", options.out)
    preset = dato.load_preset(options.preset)
    pipe = load_scheduler(model_of(preset, options.overrides))
    set_preset_scheduler(pipe, preset.sampler)
    dato.export_sampler(preset, pipe.scheduler).save(options.out)
    print(options.out)
    return 0
