"""What a forecast's order, coordinate and weights, and the model's settings, do to FID.

python -m experiments.forecast.effects --cache /tmp/forecast --images 32

Every row compares a schedule with the unpatched model of the same sampler, steps and guidance, on
the same held-out captions and noise. Writes effects.json beside itself, and the plot of
docs/forecasts.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from dato import Kind, Schedule
from experiments.command import parsed
from experiments.forecast.effects_plot import plot
from experiments.forecast.ridge import layout
from experiments.forecast.row import Row, record
from experiments.forecast.world import World, cached, schedule_of
from search.calibration.fit import Fitted
from search.calibration.placement import Placement
from search.records.writing import write_json

HERE = Path(__file__).parent
PLOT = HERE.parents[1] / "docs" / "img" / "forecasts.png"
CALLS = 50
COUNTS = (5, 6, 8, 10)
FITS = (1, 2, 4, 8, 16, 32)
GUIDANCES = (1.0, 2.0, 4.0, 7.5)
STEPS = (20, 50, 100)
SAMPLERS = ("DDIMScheduler", "EulerDiscreteScheduler", "DPMSolverMultistepScheduler")
PLANNED = 6
"""Full calls of the rows about settings and transfer."""


def main() -> None:
    options = parsed(cached(__doc__))
    base = World(options.cache, images=options.images)
    rows: list[Row] = []
    parts = (_orders(base), _fits(base), _settings(options.cache, options.images, base))
    for row in chain.from_iterable(parts):
        rows.append(row)
        print(row, flush=True)
        write_json(
            HERE / "effects.json", record("experiments.forecast.effects", options.images, rows)
        )
    plot(rows, PLOT)


def _orders(world: World) -> Iterator[Row]:
    """Orders over the timesteps, and a straight line over another coordinate."""
    timesteps = world.calibration().timesteps.tolist()
    noise = _log_snr(world)
    for count in COUNTS:
        full = tuple(round(place * CALLS / count) for place in range(count))
        ways: list[tuple[str, int, Sequence[float]]] = [
            ("held", 1, timesteps),
            ("linear", 2, timesteps),
            ("quadratic", 3, timesteps),
            ("linear over log-SNR", 2, noise),
        ]
        for name, values, coordinate in ways:
            fid = world.fid(polynomial(full, values, coordinate))
            yield Row("order", name, f"{count} full calls", fid)


def polynomial(full: Sequence[int], values: int, coordinate: Sequence[float]) -> Schedule:
    """Outputs on the polynomial through the last computed ``values``, over a coordinate by call."""
    weights: dict[int, tuple[float, ...]] = {}
    for call in range(len(coordinate)):
        if call not in full:
            known = [other for other in reversed(full) if other < call][:values]
            weights[call] = tuple(
                math.prod(
                    (coordinate[call] - coordinate[other])
                    / (coordinate[source] - coordinate[other])
                    for other in known
                    if other != source
                )
                for source in known
            )
    kinds = {"full": Kind(), "forecast": Kind(0, forecast="fitted")}
    steps = tuple("full" if call in full else "forecast" for call in range(len(coordinate)))
    return Schedule(kinds, steps, weights=weights)


def _log_snr(world: World) -> list[float]:
    """log(alpha^2 / sigma^2) at each call; zero-terminal-SNR models begin at the clamp."""
    shares = world.generator.pipe.scheduler.alphas_cumprod.double()
    signal = [float(shares[int(step)]) for step in world.calibration().timesteps]
    return [math.log(max(share, 1e-4) / (1 - share)) for share in signal]


def _fits(world: World) -> Iterator[Row]:
    """Cuts fitted from few and many runs: full every 10 calls, depth 1 halfway."""
    depths = layout(1, 10, CALLS)
    for name in ("hold", "linear"):
        schedule = schedule_of(depths, "linear", name, Fitted(world.calibration()))
        yield Row("fit", f"cut {name}", "", world.fid(schedule))
    for count in FITS:
        fitted = Fitted(world.calibration(runs=count))
        schedule = schedule_of(depths, "linear", "fitted", fitted)
        yield Row("fit", "cut fitted", f"{count} runs", world.fid(schedule))


def _settings(cache: Path, images: int, base: World) -> Iterator[Row]:
    """Planned placements at other settings: their own, and the one of the first setting."""
    worlds = [
        ("guidance", f"{each:g}", World(cache, images=images, guidance=each)) for each in GUIDANCES
    ]
    worlds += [("steps", f"{each}", World(cache, steps=each, images=images)) for each in STEPS]
    worlds += [
        ("sampler", name.removesuffix("Scheduler"), World(cache, name, images=images))
        for name in SAMPLERS
    ]
    given = _plan(base)
    for part, at, world in worlds:
        calls = world.steps
        moved = tuple(dict.fromkeys(round(call * calls / CALLS) for call in given))
        even = tuple(round(place * calls / PLANNED) for place in range(PLANNED))
        for way, full in (("even", even), ("own plan", _plan(world)), ("given plan", moved)):
            for forecast in ("hold", "linear") if way == "even" else ("linear",):
                schedule = Placement(full, 0.0, forecast).schedule(calls)
                yield Row(part, f"{way}, {forecast}", at, world.fid(schedule))


def _plan(world: World) -> tuple[int, ...]:
    return world.plans()[PLANNED].full


if __name__ == "__main__":
    main()
