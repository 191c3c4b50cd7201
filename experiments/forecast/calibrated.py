"""How many unpatched runs a calibration needs.

python -m experiments.forecast.calibrated --cache /tmp/forecast

For calibrations of some runs, on two sets of prompts each: the FID to the unpatched model's
images of planned full calls with straight lines between them, and of fitted cuts.
"""

from __future__ import annotations

from dato.schedule import Depth
from experiments.command import parsed
from experiments.forecast.world import World, cached, schedule_of
from search.calibration.fit import Fitted

RUNS = (2, 4, 8)
SEEDS = (0, 1)
COUNTS = (6, 8)


def main() -> None:
    options = parsed(cached(__doc__))
    world = World(options.cache, images=options.images)
    shallow: list[Depth] = [
        "full" if call % 10 == 0 else 1 if call % 10 == 5 else 0 for call in range(world.steps)
    ]
    for runs in RUNS:
        for seed in SEEDS:
            known = world.calibration(seed, runs)
            plans = world.plans(seed=seed, runs=runs)
            full = [
                f"{count} full {world.fid(plans[count].schedule(known.calls)):.3g}"
                for count in COUNTS
            ]
            cut = world.fid(schedule_of(shallow, "linear", "fitted", Fitted(known)))
            print(f"{runs} runs, seed {seed}: {', '.join(full)}, cut {cut:.3g}", flush=True)


if __name__ == "__main__":
    main()
