"""How well the damage that a calibration predicts ranks schedules by FID.

python -m experiments.forecast.ranking --cache /tmp/forecast --schedules 120

Random schedules of pocket: full calls placed evenly, nearly so or at random; outputs held or
forecast; half of them with shallow calls. Each is judged by FID to the unpatched model's images of
held-out captions. Writes ranking.json after every schedule and prints Spearman correlations.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.stats import spearmanr

from dato.files import replace_text
from dato.schedule import Depth, Forecast
from experiments.command import command, parsed
from experiments.forecast.world import DEPTHS, World, schedule_of
from search.calibration.damage import damage
from search.calibration.fit import Fitted

RESULTS = Path(__file__).with_name("ranking.json")
SEED = 5
NUMBERS = ("fid", "calibration", "fewer_full")
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
    parser = command(__doc__)
    parser.add_argument("--cache", type=Path, help="without it, the recorded results are printed")
    parser.add_argument("--schedules", type=int, default=120)
    parser.add_argument("--images", type=int, default=16)
    options = parsed(parser)
    if options.cache is not None:
        measure(World(options.cache, images=options.images), options.schedules)
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["schedules"]
    groups = ["all", *sorted({row["group"] for row in rows})]
    print(f"{'':28} {'count':>6} " + " ".join(f"{name:>14}" for name in NUMBERS[1:]))
    for group in groups:
        chosen = [row for row in rows if group in ("all", row["group"])]
        ranks = [correlation(chosen, name) for name in NUMBERS[1:]]
        print(f"{group:28} {len(chosen):6} " + " ".join(f"{rank:14.3f}" for rank in ranks))


def correlation(rows: Sequence[Mapping[str, Any]], name: str) -> float:
    """Spearman correlation of a recorded prediction with the FID."""
    return float(spearmanr([row[name] for row in rows], [row["fid"] for row in rows]).statistic)


def measure(world: World, count: int) -> None:
    """Judge schedules one by one."""
    known = world.calibration()
    fitted, rows = Fitted(known), list[dict[str, object]]()
    rng = random.Random(SEED)
    for _ in range(count):
        drawn = draw(rng, known.calls)
        schedule = schedule_of(drawn.depths, drawn.output, drawn.cut, fitted)
        full = [call for call, depth in enumerate(drawn.depths) if depth == "full"]
        values = (world.fid(schedule), damage(known, schedule), -float(len(full)))
        numbers = {name: float(f"{value:.5g}") for name, value in zip(NUMBERS, values, strict=True)}
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
