"""How many images the statement "no worse" takes, and how often it is false.

python -m experiments.forecast.no_worse --cache /tmp/forecast

Images of planned schedules and of the unpatched model, then many random sets of some of them. For
each number of images it prints the mean difference of the two FIDs to real images as a share of
the unpatched one, how often the bound lets a schedule pass as no worse, and how often the bound
lies below the mean difference, which should be one time in twenty.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from dato import Kind, Schedule
from experiments.forecast.world import World
from search.calibration.placement import placements
from search.metrics import WORSE
from search.pocket import load_features
from search.quality.bootstrap import upper_bound
from search.quality.features import load_feature_network
from search.quality.frechet import Moments, frechet
from search.quality.real_images import real_statistics

PLANS = ((6, 0.0), (7, 0.0), (6, 0.7), (7, 0.6), (8, 0.6))
"""Full calls of 50, and the share of the finest level's tokens that they prune."""
SIZES = (16, 24, 32, 48, 64, 96)
SETS = 100
REAL_IMAGES = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--images", type=int, default=256)
    options = parser.parse_args()
    torch.set_num_threads(1)
    world = World(options.cache, images=options.images)
    network = load_feature_network("pocket", None)
    real = real_statistics("pocket", network, count=REAL_IMAGES, seed=3_000_000, size=(64, 64))
    unpatched = features(world, None, 0.0)
    for count, ratio in PLANS:
        found = features(world, count, ratio)
        for size in SIZES:
            line = describe(real.moments, found, unpatched, size)
            print(f"{count} full calls, {ratio:g} pruned, {line}", flush=True)


def features(world: World, count: int | None, ratio: float) -> Tensor:
    """(images, features) of the planned schedule with ``count`` full calls, kept in the cache."""
    path = world.cache / f"no-worse-{world.images}-{count}-{ratio:g}.pt"
    if not path.is_file():
        plans = {len(plan.full): plan for plan in placements(world.calibration())}
        schedule = None if count is None else pruned(plans[count].schedule(world.steps), ratio)
        pixels = world.generator.generate(schedule, range(world.images)).pixels
        torch.save(load_features()(pixels), path)
    found: Tensor = torch.load(path)
    return found


def pruned(schedule: Schedule, ratio: float) -> Schedule:
    """The schedule with tokens pruned in its full calls."""
    kinds = {**schedule.kinds, "full": Kind(prune={"level_0": ratio} if ratio else {})}
    return Schedule(kinds, schedule.steps)


def describe(real: Moments, found: Tensor, unpatched: Tensor, size: int) -> str:
    """A line about sets of ``size`` images."""
    generator = torch.Generator().manual_seed(0)
    draws = [torch.randperm(len(found), generator=generator)[:size] for _ in range(SETS)]
    shares, bounds = [], []
    for draw in draws:
        mine, other = found[draw], unpatched[draw]
        whole = frechet(real, other)

        def difference(part: Tensor, mine: Tensor = mine, other: Tensor = other) -> float:
            return frechet(real, mine[part]) - frechet(real, other[part])

        shares.append(difference(torch.arange(size)) / whole)
        bounds.append(upper_bound(difference, size) / whole)
    mean = sum(shares) / SETS
    passed = sum(bound < WORSE for bound in bounds) / SETS
    missed = sum(bound < mean for bound in bounds) / SETS
    return f"{size} images: {mean:+.2%}, no worse in {passed:.0%}, bound too low in {missed:.0%}"


if __name__ == "__main__":
    main()
