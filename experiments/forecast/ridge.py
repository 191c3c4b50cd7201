"""How strongly fitted weights are pulled towards the straight line.

python -m experiments.forecast.ridge --cache /tmp/forecast

Prints, for cuts and for outputs and some strengths, what forecasts of unseen runs miss (as a share
of what the straight line misses), and the FID to the unpatched model's images.
"""

from __future__ import annotations

import numpy as np

from dato.schedule import Depth, Forecast
from experiments.command import parsed
from experiments.forecast.world import World, cached, schedule_of
from search.calibration.fit import Fitted, sources_of
from search.calibration.table import Calibration

STRENGTHS = (0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1e3)
"""The last is the straight line itself."""


def main() -> None:
    options = parsed(cached(__doc__))
    world = World(options.cache, images=options.images)
    known, unseen = world.calibration(0), world.calibration(1)
    for depth, every in ((1, 10), (2, 10), (1, 5), (0, 10), (0, 5)):
        depths = layout(depth, every, known.calls)
        line = missed(Fitted(known, 1e3, 1e3), unseen, depths, depth)
        for strength in STRENGTHS:
            fitted = Fitted(known, strength, strength)
            share = missed(fitted, unseen, depths, depth) / line
            forecast: Forecast = "fitted" if depth == 0 else "linear"
            fid = world.fid(schedule_of(depths, forecast, "fitted", fitted))
            print(f"depth {depth} every {every} {strength:g}: {share:.3f} {fid:.3f}", flush=True)


def layout(depth: int, every: int, calls: int) -> list[Depth]:
    """Full every so often, ``depth`` halfway, the output forecast everywhere else."""
    half = every // 2 if depth else 0
    return [
        "full" if call % every == 0 else depth if call % every == half else 0
        for call in range(calls)
    ]


def missed(fitted: Fitted, unseen: Calibration, depths: list[Depth], depth: int) -> float:
    """Root of the mean square that forecasts at ``depth`` miss on other runs."""
    gram = unseen.cuts[depth] if depth else unseen.output
    weights = fitted(depths, ["fitted"] * len(depths))
    total = 0.0
    for call, computed in enumerate(depths):
        if computed == depth:
            row = np.zeros(len(depths))
            row[call] = 1.0
            row[list(sources_of(depths, call)[: len(weights[call])])] -= weights[call]
            total += float(row @ gram @ row)
    return float(np.sqrt(total))


if __name__ == "__main__":
    main()
