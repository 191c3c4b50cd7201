"""Random search, the published protocol, Optuna's samplers and ours, at equal cost.

PYTHONPATH=/where/pymoo/is python -m experiments.search.compare --cache /tmp/compare

Cost is counted in unpatched images: a call counts its cost's share of a full one. Every method pays
for what it generates, also where the cache holds it, and for the calibration where it uses it. All
search the same space twice: with forecasts, and with everything that is cached repeated. What is
compared is the hypervolume of each method's front on held-out prompts that no method sees. Stops
and goes on where it was; results.json is written after every run.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, get_args

from dato import Schedule
from dato.files import replace_text
from experiments.command import command, parsed, versions
from experiments.search.methods import METHODS
from experiments.search.plot import plot
from experiments.search.seen import Seen
from experiments.search.tables import summary, table
from experiments.search.world import AUDIT_IMAGES, BATCH, SEARCH_IMAGES, STEPS, Forecasts, World
from search.pareto import hypervolume, non_dominated

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
MOMENTS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
"""Shares of a method's budget at which its front is audited."""

MEMBERS = 20
"""Front members that are audited at most, evenly spread over log cost; the same for all methods."""


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder for generated images")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=200, help="unpatched images per method")
    parser.add_argument("--published", type=float, default=4, help="times that, for the published")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parsed(parser)
    table_file = HERE / "cost_table.json"
    worlds = {each: World(options.cache, table_file, each) for each in get_args(Forecasts)}
    document = _document(options, worlds["searched"])
    done = {(run["forecasts"], run["method"], run["seed"]) for run in document["runs"]}
    for seed, (forecasts, world), name in product(range(options.seeds), worlds.items(), METHODS):
        if (forecasts, name, seed) not in done:
            times = options.published if name == "published" else 1
            document["runs"].append(run_one(world, name, seed, options.budget * times))
            replace_text(options.out, json.dumps(document, indent=None, allow_nan=False) + "\n")
            print(json.dumps({k: v for k, v in document["runs"][-1].items() if k != "trials"}))
    replace_text(options.out.with_suffix(".md"), table(document))
    plot(document, options.out.with_suffix(".png"))
    print(table(document))
    print(summary(document))


def run_one(world: World, name: str, seed: int, budget: float) -> dict[str, Any]:
    """One method and seed: its trials, and its audited front over cost."""
    started = time.perf_counter()
    trials = list(_until(METHODS[name](world, seed, budget), budget))
    curve = []
    for moment in MOMENTS:
        front = front_of(world, [seen for seen in trials if seen.spent <= moment * budget])
        points = [(world.audited(schedule), world.share(schedule)) for schedule in front]
        curve.append(
            {
                "spent": round(moment * budget, 3),
                "hypervolume": round(relative(world, points), 5),
                "front": [[round(fid, 4), round(share, 4)] for fid, share in points],
            }
        )
    return {
        "forecasts": world.forecasts,
        "method": name,
        "seed": seed,
        "seconds": round(time.perf_counter() - started, 1),
        "curve": curve,
        "trials": [
            [round(seen.spent, 3), round(world.share(seen.schedule), 4), seen.fid, seen.origin]
            for seen in trials
        ],
    }


def _until(trials: Iterator[Seen], budget: float) -> Iterator[Seen]:
    for seen in trials:
        if seen.spent > budget:
            return
        yield seen


def front_of(world: World, trials: Sequence[Seen]) -> list[Schedule]:
    """The front by the method's own FIDs, of the last stage that has a whole population."""
    complete = [seen for seen in trials if seen.fid is not None]
    if sum(seen.stage for seen in complete) >= 25:
        complete = [seen for seen in complete if seen.stage]
    else:
        complete = [seen for seen in complete if not seen.stage]
    points = [(seen.fid or 0.0, world.share(seen.schedule)) for seen in complete]
    front = [complete[index].schedule for index in non_dominated(points)]
    front = sorted(front, key=world.share)
    if len(front) <= MEMBERS:
        return front
    logs = [math.log(world.share(schedule)) for schedule in front]
    chosen: list[int] = []
    for place in range(MEMBERS):
        wanted = logs[0] + (logs[-1] - logs[0]) * place / (MEMBERS - 1)
        free = [index for index in range(len(front)) if index not in chosen]
        chosen.append(min(free, key=lambda index: abs(logs[index] - wanted)))
    return [front[index] for index in sorted(chosen)]


def relative(world: World, points: Sequence[tuple[float, float]]) -> float:
    """Hypervolume as a share of the corner's area: that of :func:`corner` and an unpatched run."""
    limit = corner(world)
    return hypervolume(list(points), (limit, 1.0)) / limit


def corner(world: World) -> float:
    """Audited FID of a full call every seven calls and repeated outputs in between."""
    return world.audited(Schedule.uniform(world.context.calls, 7, 0))


def _document(options: argparse.Namespace, world: World) -> dict[str, Any]:
    head = {
        "command": "python -m experiments.search.compare --cache CACHE "
        f"--seeds {options.seeds} --budget {options.budget:g} --published {options.published:g}",
        "setting": f"pocket, {STEPS} DDIM steps, no guidance, space per_call, "
        f"{SEARCH_IMAGES} search images (first rung {BATCH}), "
        f"{AUDIT_IMAGES} held-out images, one thread",
        "machine": world.table.place.device,
        "versions": versions("torch", "optuna", "pymoo"),
        "budget": options.budget,
        "corner_fid": corner(world),
        "calibration_cost": world.calibration_cost,
    }
    runs: list[dict[str, Any]] = []
    if options.out.is_file():
        stored = json.loads(options.out.read_text(encoding="utf-8"))
        runs = stored["runs"] if stored["command"] == head["command"] else []
    return {**head, "runs": runs}


if __name__ == "__main__":
    main()
