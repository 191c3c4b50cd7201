"""Planned placements of full calls against even ones, outputs forecast linearly in between.

python -m experiments.forecast.planned --cache /tmp/forecast

Prints, for some numbers of full calls, the FID to the unpatched model's images of either.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from experiments.forecast.world import World
from search.calibration.placement import Placement, placements

COUNTS = (4, 5, 6, 8, 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--scheduler", default="DDIMScheduler")
    parser.add_argument("--steps", type=int, default=50)
    options = parser.parse_args()
    torch.set_num_threads(1)
    world = World(options.cache, options.scheduler, options.steps, options.images)
    plans = {len(plan.full): plan for plan in placements(world.calibration())}
    for count in COUNTS:
        even = tuple(round(place * options.steps / count) for place in range(count))
        for name, full in (("even", even), ("planned", plans[count].full)):
            fid = world.fid(Placement(full, 0.0).schedule(options.steps))
            print(f"{count} full calls, {name}: {fid:.3f} {list(full)}", flush=True)


if __name__ == "__main__":
    main()
