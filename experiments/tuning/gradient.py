"""What tuning a sampler by gradient gains on captions that it has not seen.

python -m experiments.tuning.gradient --cache /tmp/forecast --guidance 4 --calls 8

Planned full calls of 50 with linear forecasts of the given slopes, and the sampler tuned from
these: FID to the unpatched model's images of held-out captions, and PSNR to them.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor

from dato import Schedule, Slope
from experiments.command import parsed
from experiments.forecast.world import World, cached
from search.calibration.prompts import training_workload
from search.model.base_sampler import based
from search.pocket import load_features
from search.quality.frechet import frechet_between
from search.quality.image_pairs import psnr
from search.records.base_sampler import Base
from search.tuning.tune import OFFSET, tune


def main() -> None:
    parser = cached(__doc__)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--calls", type=int, default=8)
    parser.add_argument("--slope", type=float, nargs=2, default=(1.0, 1.0))
    parser.add_argument("--iterations", type=int, default=30)
    parser.add_argument("--training", type=int, default=24, help="captions, a third kept apart")
    options = parsed(parser)
    world = World(options.cache, images=options.images, guidance=options.guidance)
    plan = world.plans()[options.calls].schedule(world.steps).sloped(Slope(*options.slope))
    workload = training_workload("pocket", 8, 0, options.training, OFFSET)
    show = partial(print, flush=True)
    tuning = tune(world.generator, plan, workload, options.iterations, show)
    unpatched = _pixels(world, None)
    for name, schedule in (("before", plan), ("tuned", tuning.schedule)):
        pixels = _pixels(world, schedule)
        fid = frechet_between(load_features()(unpatched), load_features()(pixels))
        show(f"{name}: FID {fid:.4g}, {float(psnr(pixels, unpatched).mean()):.2f} dB")
    show(tuning.schedule.tuned)


def _pixels(world: World, schedule: Schedule | None) -> Tensor:
    """(images, 3, height, width) uint8."""
    base = None
    if schedule is not None and schedule.tuned is not None:
        base = Base(world.scheduler, schedule.calls)
    with based(world.generator, base) as generator:
        return generator.generate(schedule, range(world.images)).pixels


if __name__ == "__main__":
    main()
