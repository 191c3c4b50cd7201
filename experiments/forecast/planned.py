"""Planned placements of full calls against even ones.

python -m experiments.forecast.planned --cache /tmp/forecast

Prints, for some numbers of full calls, the FID to the unpatched model's images where outputs are
forecast linearly and where they are held: placed evenly, planned for the line, planned for holding.
"""

from __future__ import annotations

from itertools import product
from typing import get_args

from experiments.command import parsed
from experiments.forecast.world import World, cached
from search.calibration.placement import GapForecast, Placement

COUNTS = (4, 5, 6, 8, 10)


def main() -> None:
    parser = cached(__doc__)
    parser.add_argument("--scheduler", default="DDIMScheduler")
    parser.add_argument("--steps", type=int, default=50)
    options = parsed(parser)
    world = World(options.cache, options.scheduler, options.steps, options.images)
    plans = {forecast: world.plans(forecast) for forecast in get_args(GapForecast)}
    for count, forecast in product(COUNTS, get_args(GapForecast)):
        even = tuple(round(place * options.steps / count) for place in range(count))
        places = {"even": even} | {f"planned for {aim}": plans[aim][count].full for aim in plans}
        for name, full in places.items():
            fid = world.fid(Placement(full, 0.0, forecast).schedule(options.steps))
            print(f"{count} full calls, {forecast}, {name}: {fid:.3f} {list(full)}", flush=True)


if __name__ == "__main__":
    main()
