"""What tuning a sampler gains on captions that it has not seen.

python -m experiments.tuning.gain --cache /tmp/tuning --guidance 4 --calls 8 --used-at 3 1.5

Planned full calls of 50 with linear forecasts of the given slopes, the sampler tuned from these,
and other samplers at the same timesteps: FID to the unpatched model's images of held-out captions,
and PSNR to them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from torch import Tensor

from dato import Schedule, Slope
from experiments.command import parsed
from experiments.forecast.world import World, cached
from search.calibration.prompts import training_workload
from search.model.base_sampler import based
from search.model.generator import Generator
from search.pocket import load_features
from search.quality.frechet import frechet_between
from search.quality.image_pairs import psnr
from search.records.base_sampler import Base
from search.tuning.counted import counted
from search.tuning.tune import OFFSET, tune

RIVALS = ("DPMSolverMultistepScheduler", "UniPCMultistepScheduler")
show = partial(print, flush=True)


def main() -> None:
    parser = cached(__doc__)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--lowest", type=float, help="tune over the scales from here to --guidance")
    parser.add_argument("--calls", type=int, default=8)
    parser.add_argument("--slope", type=float, nargs=2, default=(1.0, 1.0))
    parser.add_argument("--iterations", type=int, default=4)
    parser.add_argument("--training", type=int, default=24, help="captions, a third kept apart")
    parser.add_argument("--used-at", type=float, nargs="*", default=[], help="other scales")
    options = parsed(parser)
    world = World(options.cache, images=options.images, guidance=options.guidance)
    plan = world.plans()[options.calls].schedule(world.steps).sloped(Slope(*options.slope))
    workload = training_workload("pocket", 8, 0, options.training, OFFSET)
    scales = None if options.lowest is None else (options.lowest, options.guidance)
    started = time.perf_counter()
    with counted(world.generator) as count:
        tuning = tune(world.generator, plan, workload, options.iterations, show, guidance=scales)
    cost = count.calls / world.steps
    show(f"{cost:.0f} unpatched images, {time.perf_counter() - started:.0f} s, {tuning.losses}")
    show(tuning.schedule.tuned)
    for scale in (options.guidance, *options.used_at):
        model = replace(world.generator.model, guidance_scale=scale)
        _compare(
            Generator(model, world.generator.workload, pipe=world.generator.pipe),
            plan,
            tuning.schedule,
        )


def _compare(generator: Generator, plan: Schedule, tuned: Schedule) -> None:
    """Print each run's FID and PSNR at the generator's guidance scale."""
    scale = generator.model.guidance_scale
    unpatched = _pixels(generator, None)
    few = Base(generator.model.scheduler, tuned.calls)
    with based(generator, few) as other:
        runs = {"planned, lines": _pixels(generator, plan), "tuned": _pixels(other, tuned)}
    for name in RIVALS:
        with based(generator, Base(name, tuned.calls)) as other, _at_timesteps(other, plan):
            runs[name] = _pixels(other, None)
    for name, pixels in runs.items():
        fid = frechet_between(load_features()(unpatched), load_features()(pixels))
        decibels = float(psnr(pixels, unpatched).mean())
        show(f"scale {scale:g}, {name}: FID {fid:.4f}, {decibels:.2f} dB")


@contextmanager
def _at_timesteps(generator: Generator, plan: Schedule) -> Iterator[None]:
    """The generator's scheduler goes over the timesteps of the computed calls of 50."""
    scheduler = generator.pipe.scheduler
    scheduler.set_timesteps(plan.calls)
    every = scheduler.timesteps.tolist()
    timesteps = [
        timestep
        for timestep, step in zip(every, plan.steps, strict=True)
        if plan.kinds[step].depth == "full"
    ]
    set_timesteps = scheduler.set_timesteps

    def planned(steps: int, device: Any = None) -> None:
        set_timesteps(timesteps=timesteps, device=device)

    scheduler.set_timesteps = planned
    yield
    del scheduler.set_timesteps


def _pixels(generator: Generator, schedule: Schedule | None) -> Tensor:
    """(images, 3, height, width) uint8."""
    return generator.generate(schedule, range(len(generator.workload))).pixels


if __name__ == "__main__":
    main()
