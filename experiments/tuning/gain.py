"""What tuning a sampler gains on captions that it has not seen.

python -m experiments.tuning.gain --cache /tmp/tuning --guidance 4 --calls 8 --used-at 3 1.5

Planned full calls of 50 with linear forecasts of the given slopes, and the sampler tuned from
these: FID to the unpatched model's images of held-out captions, and PSNR to them.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

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
from search.records.base_sampler import Base, Run
from search.tuning.counted import counted
from search.tuning.tune import OFFSET, tune

show = partial(print, flush=True)


def main() -> None:
    parser = cached(__doc__)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--calls", type=int, default=8)
    parser.add_argument("--slope", type=float, nargs=2, default=(1.0, 1.0))
    parser.add_argument("--iterations", type=int, default=4)
    parser.add_argument("--training", type=int, default=24, help="captions, a third kept apart")
    parser.add_argument("--used-at", type=float, nargs="*", default=[], help="other scales")
    options = parsed(parser)
    world = World(options.cache, images=options.images, guidance=options.guidance)
    plan = world.plans()[options.calls].schedule(world.steps).sloped(Slope(*options.slope))
    workload = training_workload("pocket", 8, 0, options.training, OFFSET)
    started = time.perf_counter()
    with counted(world.generator) as count:
        tuning = tune(world.generator, Run(plan), workload, options.iterations, show)
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
    """Print FID and PSNR before and after, at the generator's guidance scale."""
    unpatched = _pixels(generator, None)
    few = Base(generator.model.scheduler, tuned.calls)
    for name, schedule, base in (("lines", plan, None), ("tuned", tuned, few)):
        with based(generator, base) as other:
            pixels = _pixels(other, schedule)
        fid = frechet_between(load_features()(unpatched), load_features()(pixels))
        decibels = float(psnr(pixels, unpatched).mean())
        show(f"scale {generator.model.guidance_scale:g}, {name}: FID {fid:.4f}, {decibels:.2f} dB")


def _pixels(generator: Generator, schedule: Schedule | None) -> Tensor:
    """(images, 3, height, width) uint8."""
    return generator.generate(schedule, range(len(generator.workload))).pixels


if __name__ == "__main__":
    main()
