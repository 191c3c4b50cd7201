"""How well predicted damage ranks schedules by FID: from calibration, and from single calls.

python -m experiments.forecast.ranking --cache /tmp/forecast --schedules 120

Random schedules of pocket: full calls placed evenly, nearly so or at random; outputs held or
forecast; half of them with shallow calls. Each is judged by FID to the unpatched model's images of
held-out captions. Writes ranking.json after every schedule and prints Spearman correlations.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import dataclass
from pathlib import Path

import torch
from scipy.stats import spearmanr

from dato.files import replace_text
from dato.schedule import Depth, Forecast
from experiments.forecast.single_calls import kept_sensitivity
from experiments.forecast.world import DEPTHS, World, schedule_of
from search.calibration.damage import damage
from search.calibration.fit import Fitted

RESULTS = Path(__file__).with_name("ranking.json")
SEED = 5
NUMBERS = ("fid", "calibration", "calls_added", "calls_squared", "fewer_full")
"""FID, and what each way of prediction says: the last is that fewer full calls do more damage."""


@dataclass(frozen=True)
class Drawn:
    """A random schedule. ``group`` says what its calls in between do."""

    depths: tuple[Depth, ...]
    output: Forecast
    cut: Forecast

    @property
    def group(self) -> str:
        """Such as ``"linear"``, or ``"linear with shallow calls"``."""
        shallow = any(depth not in ("full", 0) for depth in self.depths)
        return f"{self.output} with shallow calls" if shallow else self.output


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, help="without it, the recorded results are printed")
    parser.add_argument("--schedules", type=int, default=120)
    parser.add_argument("--images", type=int, default=16)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.cache is not None:
        measure(World(options.cache, images=options.images), options.schedules)
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["schedules"]
    groups = ["all", *sorted({row["group"] for row in rows})]
    print(f"{'':28} {'count':>6} " + " ".join(f"{name:>14}" for name in NUMBERS[1:]))
    for group in groups:
        own = [row for row in rows if group in ("all", row["group"])]
        ranks = [
            spearmanr([row[name] for row in own], [row["fid"] for row in own]).statistic
            for name in NUMBERS[1:]
        ]
        print(f"{group:28} {len(own):6} " + " ".join(f"{rank:14.3f}" for rank in ranks))


def measure(world: World, count: int) -> None:
    """Judge schedules one by one."""
    known = world.calibration()
    own = world.generator.with_workload(world.workload())
    single = kept_sensitivity(world.cache / "sensitivity.safetensors", own, DEPTHS)
    fitted, rows = Fitted(known), list[dict[str, object]]()
    rng = random.Random(SEED)
    for _ in range(count):
        drawn = draw(rng, known.calls)
        schedule = schedule_of(drawn.depths, drawn.output, drawn.cut, fitted)
        damages = single.per_call(schedule)
        full = [call for call, depth in enumerate(drawn.depths) if depth == "full"]
        found = (
            world.fid(schedule),
            damage(known, schedule),
            sum(damages),
            sum(each**2 for each in damages),
            -float(len(full)),
        )
        numbers = {name: float(f"{own:.5g}") for name, own in zip(NUMBERS, found, strict=True)}
        rows.append({"group": drawn.group, "cut": drawn.cut, "full": full, **numbers})
        write(world, rows)


def write(world: World, rows: list[dict[str, object]]) -> None:
    """What is known so far, one schedule a line."""
    head = {"scheduler": world.scheduler, "steps": world.steps, "images": world.images}
    lines = ",\n".join(json.dumps(row) for row in rows)
    replace_text(RESULTS, f'{json.dumps(head)[:-1]}, "schedules": [\n{lines}\n]}}\n')


def draw(rng: random.Random, calls: int) -> Drawn:
    """A random schedule."""
    count = rng.randint(3, 9)
    spread = [round(place * calls / count) for place in range(count)]
    how = rng.random()
    if how < 0.3:
        full = {min(place + rng.randint(-2, 2), calls - 1) for place in spread[1:]}
    elif how < 0.6:
        full = set(rng.sample(range(1, calls), count - 1))
    else:
        full = set(spread)
    depths: list[Depth] = ["full" if call in full | {0} else 0 for call in range(calls)]
    if rng.random() < 0.5:
        depth, cheap = rng.choice(DEPTHS), [call for call in range(calls) if depths[call] == 0]
        for call in rng.sample(cheap, rng.randint(2, 8)):
            depths[call] = depth
    output: Forecast = rng.choice(["hold", "linear", "fitted"])
    cut: Forecast = "hold" if output == "hold" else "fitted"
    return Drawn(tuple(depths), output, cut)


if __name__ == "__main__":
    main()
