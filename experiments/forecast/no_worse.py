"""How many images the statement "no worse" takes, and how often it is false.

python -m experiments.forecast.no_worse --cache /tmp/forecast

Images of planned schedules and of the unpatched model, then many random sets of some of them. For
each number of images it prints the mean difference of the two FIDs to real images as a share of
the unpatched one, the same extrapolated to infinitely many images, and how often the bound lets the
schedule pass as no worse. Last come the differences of all images, and KID, which has no bias.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from dato import Kind, Schedule
from experiments.command import parsed
from experiments.forecast.world import World, cached
from search.metrics import WORSE
from search.model.base_sampler import based
from search.pocket import load_features
from search.quality.bootstrap import extrapolated, upper_bound
from search.quality.features import load_feature_network
from search.quality.frechet import Moments, frechet
from search.quality.kid import kid
from search.quality.real_images import real_statistics
from search.quality.statistics import Statistics
from search.records.base_sampler import UNPATCHED, Run
from search.records.files import load_result
from search.records.folder import StudyFolder
from search.records.names import slug

PLANS = ((5, 0.0), (6, 0.0), (7, 0.0), (3, 0.5), (7, 0.5), (9, 0.5))
"""Full calls of 50, and the share of the finest level's tokens that they prune."""
RECORDED = ("tuned-6.4x", "tuned-8.2x", "speedup-10.3x", "tuned-14.0x", "tuned-16.4x")
"""Members of the front behind the shipped presets; the first is quality, the last balanced."""
SIZES = (32, 64, 128)
SETS = 40
REAL_IMAGES = 1024
STUDY = Path(__file__).parents[1] / "study" / "planned"


def main() -> None:
    parser = cached(__doc__, images=256)
    parser.add_argument("--only", nargs="+", help="such as tuned-16.4x")
    options = parsed(parser)
    options.cache.mkdir(parents=True, exist_ok=True)
    world = World(options.cache, images=options.images)
    network = load_feature_network("pocket", None)
    real = real_statistics("pocket", network, count=REAL_IMAGES, seed=3_000_000, size=(64, 64))
    unpatched = features(world, "unpatched", UNPATCHED)
    for name, run in runs(world).items():
        if options.only and name not in options.only:
            continue
        made = features(world, name, run)
        for size in SIZES:
            print(f"{name}, {describe(real.moments, made, unpatched, size)}", flush=True)
        print(f"{name}, {all_images(real, made, unpatched)}", flush=True)


def runs(world: World) -> dict[str, Run]:
    """By name: planned schedules, and those of the recorded study on their samplers."""
    plans = world.plans()
    planned = {
        f"{count} full calls, {ratio:g} pruned": Run(
            pruned(plans[count].schedule(world.steps), ratio)
        )
        for count, ratio in PLANS
    }
    members = {member.name: member.record.run for member in load_result(StudyFolder(STUDY)).front}
    return planned | {name: members[name] for name in RECORDED}


def features(world: World, name: str, run: Run) -> Tensor:
    """(images, features) of a run's images, kept in the cache."""
    path = world.cache / f"no-worse-{world.images}-{slug(name)}.safetensors"
    if not path.is_file():
        with based(world.generator, run.base) as generator:
            pixels = generator.generate(run.schedule, range(world.images)).pixels
        save_file({"features": load_features()(pixels).contiguous()}, path)
    kept: Tensor = load_file(path)["features"]
    return kept


def pruned(schedule: Schedule, ratio: float) -> Schedule:
    """The schedule with tokens pruned in its full calls."""
    kinds = {**schedule.kinds, "full": Kind(prune={"level_0": ratio} if ratio else {})}
    return replace(schedule, kinds=kinds)


def difference(real: Moments, made: Tensor, unpatched: Tensor) -> Callable[[Tensor], float]:
    """How much the FID to real images of some of the images is above that of the unpatched ones."""
    return lambda part: frechet(real, made[part]) - frechet(real, unpatched[part])


def all_images(real: Statistics, made: Tensor, unpatched: Tensor) -> str:
    """A line about all images."""
    assert real.features is not None
    base, size = frechet(real.moments, unpatched), len(made)
    plain = (frechet(real.moments, made) - base) / base
    higher = kid(real.features, made) - kid(real.features, unpatched)
    most = upper_bound(difference(real.moments, made, unpatched), size) / base
    return f"all {size} images: {plain:+.2%} (95 % bound {most:+.2%}), KID {higher:+.5f}"


def describe(real: Moments, made: Tensor, unpatched: Tensor, size: int) -> str:
    """A line about sets of ``size`` images."""
    generator = torch.Generator().manual_seed(0)
    shares, corrected, bounds = [], [], []
    for _ in range(SETS):
        draw = torch.randperm(len(made), generator=generator)[:size]
        mine, other = made[draw], unpatched[draw]
        whole = frechet(real, other)
        above = difference(real, mine, other)
        shares.append(above(torch.arange(size)) / whole)
        corrected.append(extrapolated(above, torch.arange(size)) / whole)
        bounds.append(upper_bound(above, size) / whole)
    passed = sum(bound < WORSE for bound in bounds) / SETS
    return (
        f"{size} images: {mean(shares):+.2%}, extrapolated {mean(corrected):+.2%} "
        f"(deviation {stdev(corrected):.2%}), no worse in {passed:.0%}"
    )


if __name__ == "__main__":
    main()
