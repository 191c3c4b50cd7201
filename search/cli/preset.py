"""``validate`` and ``generate``: presets without writing Python."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from PIL import Image

import dato
from dato import DatoError
from search.errors import UserError
from search.evaluate.model import ModelConfig, load_pipeline, set_scheduler


def validate(options: argparse.Namespace) -> int:
    """Check each preset; say what is wrong with each that is broken."""
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


def generate(options: argparse.Namespace) -> int:
    """Write one row of images, or two with ``--compare``."""
    preset = dato.load_preset(options.preset)
    pipe = _load(options.model, preset, options.device)
    rows = [_row(pipe, preset, options)] if options.compare else []
    with dato.applied(pipe, preset):
        rows.append(_row(pipe, preset, options))
    _save(rows, options.out)
    print(options.out)
    return 0


def _load(model: str, preset: dato.Preset, device: str) -> object:
    return load_pipeline(
        ModelConfig(
            path=model,
            scheduler=preset.sampler.scheduler,
            num_inference_steps=preset.sampler.num_inference_steps,
            guidance_scale=preset.sampler.guidance_scale,
            device=device,
        )
    )


def _row(pipe: object, preset: dato.Preset, options: argparse.Namespace) -> list[Image.Image]:
    assert callable(pipe)
    generators = [
        torch.Generator().manual_seed(options.seed + index) for index in range(len(options.prompt))
    ]
    images: list[Image.Image] = pipe(
        options.prompt,
        num_inference_steps=preset.sampler.num_inference_steps,
        guidance_scale=preset.sampler.guidance_scale,
        generator=generators,
    ).images
    return images


def _save(rows: list[list[Image.Image]], path: Path) -> None:
    width, height = rows[0][0].size
    grid = Image.new("RGB", (width * len(rows[0]), height * len(rows)))
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            grid.paste(image, (x * width, y * height))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        grid.save(path)
    except (OSError, ValueError) as error:
        raise UserError(f"Cannot write {str(path)!r}: {error}. Choose another --out.") from error
