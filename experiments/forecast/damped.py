"""How far along the straight line should a forecast go, at several guidance scales?

python -m experiments.forecast.damped --cache /tmp/forecast

Full calls are evenly placed, all others forecast the output. A share of 0 holds it, 1 is
``linear``. Prints the FID to the unpatched images of the same guidance scale.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from dato import Schedule
from experiments.forecast.effects import CALLS, polynomial
from experiments.forecast.world import World

COUNTS = (6, 10)
GUIDANCES = (2.0, 4.0, 7.5)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--images", type=int, default=32)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for guidance in GUIDANCES:
        world = World(options.cache, images=options.images, guidance=guidance)
        timesteps = world.calibration().timesteps.tolist()
        for count in COUNTS:
            full = tuple(round(place * CALLS / count) for place in range(count))
            found = [f"{world.fid(damped(full, share, timesteps)):.3g}" for share in SHARES]
            print(f"guidance {guidance:g}, {count} full calls: {', '.join(found)}", flush=True)


def damped(full: Sequence[int], share: float, timesteps: Sequence[float]) -> Schedule:
    """Outputs that go ``share`` of the way from the last computed one to the straight line."""
    line = polynomial(full, 2, timesteps)
    weights = {
        call: (1 - share + share * newest, *(share * weight for weight in older))
        for call, (newest, *older) in line.weights.items()
    }
    return replace(line, weights=weights)


if __name__ == "__main__":
    main()
