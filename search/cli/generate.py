"""``generate``: pictures of prompts with a preset, without any Python."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from dato import Preset, load_preset
from search.cli.chosen import model_of, own_model
from search.cli.model_fit import check_model
from search.cli.pictures import Target
from search.cli.plain_warnings import plain_warnings
from search.errors import UserError
from search.model.outline import sampler_line
from search.model.prompt_images import ImageRequest, PromptImages, PromptPipeline
from search.model.topology import topology_of

MAX_STEPS = 1000
MAX_SEED = 2**63 - 1


def generate(options: argparse.Namespace) -> int:
    """Write one grid or single files, with ``--compare`` also the unpatched pictures."""
    _check(options)
    target = Target(options.out)
    preset = None if options.preset is None else load_preset(options.preset)
    requests = tuple(
        ImageRequest(prompt, options.seed + copy)
        for prompt in options.prompt
        for copy in range(options.count)
    )
    with plain_warnings():
        made = _generate(options, preset, requests)
    for name, done in made.items():
        each = done.seconds / len(requests)
        print(
            f"{name}: {len(requests)} in {done.seconds:.1f} s, {each:.3g} s each", file=sys.stderr
        )
    pictures = {name: done.images for name, done in made.items()}
    for path in target.save(requests, pictures, options.count):
        print(path)
    return 0


def _check(options: argparse.Namespace) -> None:
    """Check the options before anything is loaded."""
    limits = {"count": (1, 10_000), "seed": (0, MAX_SEED - options.count), "steps": (1, MAX_STEPS)}
    for name, (low, high) in limits.items():
        value = getattr(options, name)
        if value is not None and not low <= value <= high:
            raise UserError(f"--{name}={value} is out of range. Take one from {low} to {high}.")


def _generate(
    options: argparse.Namespace, preset: Preset | None, requests: tuple[ImageRequest, ...]
) -> dict[str, PromptImages]:
    overrides = options.overrides
    model = own_model(overrides) if preset is None else model_of(preset, overrides)
    if preset is not None:
        check_model(preset, model, overrides)
    print(f"loading {model.path}", file=sys.stderr)
    if preset is None:
        print(sampler_line(model), file=sys.stderr)
    pipeline = PromptPipeline(model)
    if preset is not None and not options.resample and options.steps is None:
        _check_size(preset, pipeline)
    passes = {} if preset is None else {preset.name: True}
    if options.compare or preset is None:
        passes = {"unpatched": False, **passes}
    made = {}
    for name, patched in passes.items():
        calls = pipeline.calls(len(requests), preset, options.steps, patched=patched)
        with _counted(name, calls) as on_call:
            made[name] = pipeline.generate(
                requests,
                preset,
                patched=patched,
                steps=options.steps,
                resample=options.resample,
                on_call=on_call,
            )
    return made


def _check_size(preset: Preset, pipeline: PromptPipeline) -> None:
    """The command line's own remedy for a model of another size than the preset's."""
    size, wanted = pipeline.latent_size, preset.model.latent_size
    alike = topology_of(pipeline.pipe).skip_branches in (0, preset.model.skip_branches)
    if alike and size != wanted:
        raise UserError(
            f"{pipeline.model.path!r} makes latents of {size[0]} x {size[1]}, and the preset "
            f"{preset.name!r} is for {wanted[0]} x {wanted[1]}. Give the model that it is for, or "
            "--resample to run it all the same."
        )


@contextmanager
def _counted(name: str, calls: int) -> Iterator[Callable[[], None]]:
    """Show the denoiser's calls as a bar on a terminal, else as one line."""
    if not sys.stderr.isatty():
        print(f"{name}: {calls} calls", file=sys.stderr, flush=True)
        yield lambda: None
        return
    text, columns = TextColumn("{task.description}", markup=False), (BarColumn(),)
    count = TextColumn("{task.completed:.0f}/{task.total:.0f} calls")
    clocks = (TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(text, *columns, count, *clocks, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=calls)
        yield lambda: progress.advance(task)
