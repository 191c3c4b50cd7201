"""Planned placements of full calls against even ones.

python -m experiments.forecast.planned --cache /tmp/forecast

Prints, for some numbers of full calls, the FID to the unpatched model's images where outputs are
forecast linearly and where they are held: placed evenly, planned for the line, planned for holding.
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path
from typing import get_args

import torch

from experiments.forecast.world import World
from search.calibration.placement import Between, Placement, placements

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
    calibration = world.calibration()
    plans = {
        between: {len(plan.full): plan.full for plan in placements(calibration, between)}
        for between in get_args(Between)
    }
    for count, between in product(COUNTS, get_args(Between)):
        even = tuple(round(place * options.steps / count) for place in range(count))
        places = {"even": even} | {f"planned for {own}": plans[own][count] for own in plans}
        for name, full in places.items():
            fid = world.fid(Placement(full, 0.0, between).schedule(options.steps))
            print(f"{count} full calls, {between}, {name}: {fid:.3f} {list(full)}", flush=True)


if __name__ == "__main__":
    main()
