"""How many unpatched runs a calibration needs.

python -m experiments.forecast.calibrated --cache /tmp/forecast

For calibrations of some runs, on two sets of prompts each: the FID to the unpatched model's
images of planned full calls with straight lines between them, and of fitted cuts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from dato.schedule import Depth
from experiments.forecast.world import World, schedule_of
from search.calibration.fit import Fitted
from search.calibration.placement import placements

RUNS = (2, 4, 8)
SEEDS = (0, 1)
COUNTS = (6, 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--images", type=int, default=32)
    options = parser.parse_args()
    torch.set_num_threads(1)
    world = World(options.cache, images=options.images)
    shallow: list[Depth] = [
        "full" if call % 10 == 0 else 1 if call % 10 == 5 else 0 for call in range(world.steps)
    ]
    for runs in RUNS:
        for seed in SEEDS:
            known = world.calibration(seed, runs)
            plans = {len(plan.full): plan for plan in placements(known)}
            found = [
                f"{count} full {world.fid(plans[count].schedule(known.calls)):.3g}"
                for count in COUNTS
            ]
            cut = world.fid(schedule_of(shallow, "linear", "fitted", Fitted(known)))
            print(f"{runs} runs, seed {seed}: {', '.join(found)}, cut {cut:.3g}", flush=True)


if __name__ == "__main__":
    main()
