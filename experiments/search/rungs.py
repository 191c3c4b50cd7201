"""What a first rung on few images foretells, prunes and loses, on the trials of compare.py.

python -m experiments.search.rungs --cache /tmp/compare   # writes rungs.json from the cached images
python -m experiments.search.rungs                        # replays rungs.json

Every cached schedule that was generated on a seed's 8 search images is scored on the first 4 and on
all 8. The replay then asks for each rule in which order the trials would have been pruned.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from scipy.stats import spearmanr

from dato.files import replace_text
from experiments.search.world import BATCH, SEARCH_IMAGES, World
from search.pareto import hypervolume, non_dominated
from search.records.schema import ScheduleWire
from search.study import rung_margin as margin

HERE = Path(__file__).parent
TABLE = HERE / "rungs.json"
Row = tuple[float, float, float, float, float, float]
"""Cost share, distance on the first rung, FID on the first rung, FID on all images, predicted
damage of the calls added up, and its squares added up."""

Rule = Callable[[Sequence[Row]], float]
CORNER = (100.0, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, help="of compare.py")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.cache is not None:
        world = World(options.cache, HERE / "cost_table.json")
        tables = [score(world, seed) for seed in range(options.seeds)]
        lines = ",\n".join(json.dumps(table) for table in tables)
        replace_text(TABLE, f"[\n{lines}\n]\n")
    for seed, rows in enumerate(json.loads(TABLE.read_text(encoding="utf-8"))):
        added, squared = (spearmanr(_column(rows, at), _column(rows, 3)).statistic for at in (4, 5))
        print(
            f"seed {seed}: {len(rows)} schedules; Spearman of predicted damage and FID: "
            f"{added:.3f} added up, {squared:.3f} squared"
        )
        for name, column in (("distance", 1), ("FID", 2)):
            for sigmas in (1.0, 2.0, 3.0):
                print(f"  {name}, {sigmas:g} sigma: {replay(rows, column, sigmas)}")
        print(f"  a perfect second rung would save {second_rung(rows):.1%} of the images' cost")


def score(world: World, seed: int) -> list[Row]:
    """All cached schedules of a seed, in the order in which they were made."""
    indices = range(seed * SEARCH_IMAGES, (seed + 1) * SEARCH_IMAGES)
    meter, few = world.meter(indices), world.meter(indices[:BATCH])
    chunks = [index // BATCH for index in (indices[0], indices[BATCH])]
    rows: list[Row] = []
    for path in sorted(world.cache.glob("*/*.json"), key=lambda path: path.stat().st_mtime):
        made = [path.with_name(f"{path.stem}-search-{chunk}.safetensors") for chunk in chunks]
        if not all(each.is_file() for each in made):
            continue
        schedule = ScheduleWire.model_validate_json(path.read_text()).to_schedule()
        quality = meter.quality(world.images(schedule, indices))
        glance = few.quality(world.images(schedule, indices[:BATCH]))
        if glance.fid_reference > 0:
            damages = world.sensitivity.per_call(schedule)
            rows.append(
                (
                    world.share(schedule),
                    glance.distance,
                    glance.fid_reference,
                    quality.fid_reference,
                    sum(damages),
                    sum(damage**2 for damage in damages),
                )
            )
    return rows


def _column(rows: Sequence[Row], column: int) -> list[float]:
    return [row[column] for row in rows]


def replay(rows: Sequence[Row], column: int, sigmas: float) -> str:
    """Prune by one column of the table, with a margin learnt on the way; say what became of it."""
    survivors = surviving(rows, column, sigmas)
    front = [rows[index] for index in non_dominated([(row[3], row[0]) for row in rows])]
    wrong = sum(row not in survivors for row in front)
    volume = hypervolume([(row[3], row[0]) for row in survivors], CORNER)
    whole = hypervolume([(row[3], row[0]) for row in rows], CORNER)
    last = learnt([(own[column], own[3]) for own in survivors], sigmas)
    return (
        f"{len(rows) - len(survivors)} pruned, {wrong} of {len(front)} front members lost, "
        f"hypervolume {volume / whole:.5f}, last margin {last:.2f}"
    )


def surviving(rows: Sequence[Row], column: int, sigmas: float) -> list[Row]:
    """The rows that a first rung lets through, one after another."""
    survivors: list[Row] = []
    for row in rows:
        factor = learnt([(own[column], own[3]) for own in survivors], sigmas)
        if not any(own[0] <= row[0] and own[column] * factor < row[column] for own in survivors):
            survivors.append(row)
    return survivors


def second_rung(rows: Sequence[Row]) -> float:
    """Share of all images' cost that a second rung which never errs could save, asked after half
    of the images that the first (by FID, at the search's own margin) left."""
    survivors = surviving(rows, 2, margin.SIGMAS)
    front = [rows[index] for index in non_dominated([(row[3], row[0]) for row in rows])]
    left = SEARCH_IMAGES - BATCH
    spent = BATCH * sum(row[0] for row in rows) + left * sum(row[0] for row in survivors)
    return left / 2 * sum(row[0] for row in survivors if row not in front) / spent


def learnt(losses: Sequence[tuple[float, float]], sigmas: float) -> float:
    """:func:`search.study.rung_margin.learned_margin` with another number of deviations."""
    factor = margin.learned_margin(losses, 1.25 ** (margin.SIGMAS / sigmas))
    return math.inf if math.isinf(factor) else factor ** (sigmas / margin.SIGMAS)


if __name__ == "__main__":
    main()
