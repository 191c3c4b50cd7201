"""How far outputs should go along the straight line, early and late in a run.

python -m experiments.forecast.slopes --cache /tmp/forecast

Planned full calls of 50, all others forecast the output. Prints the FID to the unpatched model's
images for some pairs of slopes (see :class:`dato.Slope`): at the first and at the last call,
evenly changing in between.
"""

from __future__ import annotations

from dato import Slope
from experiments.command import parsed
from experiments.forecast.world import World, cached

PAIRS = {
    1.0: ((1.0, 1.0), (1.0, 1.4), (1.2, 1.0), (1.2, 1.4)),
    2.0: ((0.0, 0.0), (0.8, 1.0), (1.0, 1.0), (1.2, 1.0), (1.0, 1.4), (1.2, 1.4), (1.0, 1.8)),
    4.0: ((0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 1.5), (0.4, 0.5), (0.4, 1.0), (0.4, 1.5)),
}
"""Slopes by guidance scale."""

COUNTS = {1.0: (6, 8), 2.0: (5, 6, 8, 12), 4.0: (6, 8, 10)}
"""Full calls by guidance scale."""


def main() -> None:
    options = parsed(cached(__doc__))
    for guidance, pairs in PAIRS.items():
        world = World(options.cache, images=options.images, guidance=guidance)
        calibration = world.calibration()
        plans = world.plans()
        for count in COUNTS[guidance]:
            line = plans[count].schedule(calibration.calls)
            fids = [world.fid(line.sloped(Slope(*pair))) for pair in pairs]
            text = ", ".join(f"{pair}: {fid:.3g}" for pair, fid in zip(pairs, fids, strict=True))
            print(f"scale {guidance:g}, {count} full: {text}", flush=True)


if __name__ == "__main__":
    main()
