"""What outputs, cuts and pruning are worth on a transformer, by what they cost.

dato-search cost-table model=pocket-flow
python -m experiments.forecast.transformer --cache /tmp/forecast --table latency/FILE.json

pocket-flow, 28 steps, guidance 3. A row is a schedule or a plain run: what it costs, in full calls
by the cost table, and how near it comes to the unpatched images of the same held-out captions and
noise. Writes transformer.json beside itself and prints it as two tables. In the second, a row's
worth is how many full calls without cuts or pruning come as near.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

from experiments.command import parsed, processor, versions
from experiments.forecast.transformer_rows import (
    COUNTS,
    STEPS,
    Measuring,
    Row,
    cuts,
    fewer_steps,
    outputs,
    pruning,
)
from experiments.forecast.world import SEED, World, cached
from search.latency.cost_file import load_cost_table
from search.latency.cost_table import CostTable
from search.records.base_sampler import OWN
from search.records.writing import write_json

RESULTS = Path(__file__).with_name("transformer.json")
GUIDANCE = 3.0


def main() -> None:
    parser = cached(__doc__)
    parser.add_argument("--table", type=Path, required=True, help="of dato-search cost-table")
    options = parsed(parser)
    world = World(options.cache, OWN, STEPS, options.images, GUIDANCE, "pocket-flow")
    measuring = Measuring(world, load_cost_table(options.table))
    rows: list[Row] = []
    for part in (outputs, fewer_steps, cuts, pruning):
        for row in part(measuring):
            rows.append(row)
            print(row, flush=True)
            write_json(RESULTS, _record(options.images, measuring.table, rows))
    print(by_calls(rows), by_cost(rows), sep="\n\n")


def by_calls(rows: Sequence[Row]) -> str:
    """A table of outputs and of fewer steps: FID and PSNR by the number of computed calls."""
    lines = [
        f"| FID, PSNR in dB | {' | '.join(f'{count} calls' for count in COUNTS)} |",
        f"|---|{'---:|' * len(COUNTS)}",
    ]
    compared = [each for each in rows if each.part in ("outputs", "fewer steps")]
    for way in dict.fromkeys(each.way for each in compared):
        near = {
            each.full: f"{each.fid:.4f}, {each.psnr:.1f}" for each in compared if each.way == way
        }
        cells = [near.get(count, "") for count in COUNTS]
        lines.append(f"| {' | '.join((way, *cells))} |")
    return "\n".join(lines)


def by_cost(rows: Sequence[Row]) -> str:
    """A table of cuts and pruning, beside what as many full calls as they cost would give."""
    lines = [
        "| | full calls | cost | FID | PSNR, dB | worth |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        if row.part in ("cuts", "pruning"):
            near = f"{row.cost:.2f} | {row.fid:.4f} | {row.psnr:.1f}"
            lines.append(f"| {row.way} | {row.full} | {near} | {worth(row, rows)} |")
    return "\n".join(lines)


def worth(row: Row, rows: Sequence[Row]) -> str:
    """How many full calls have the row's FID with the best of the outputs that were tried, between
    whole numbers by the logarithm."""
    best = {
        count: min(each.fid for each in rows if (each.part, each.full) == ("outputs", count))
        for count in COUNTS
    }
    for count, more in pairwise(COUNTS):
        if best[more] <= row.fid <= best[count]:
            share = math.log(best[count] / row.fid) / math.log(best[count] / best[more])
            return f"{count + share * (more - count):.1f}"
    return f"under {COUNTS[0]}" if row.fid > best[COUNTS[0]] else f"over {COUNTS[-1]}"


def _record(images: int, table: CostTable, rows: list[Row]) -> dict[str, object]:
    full = table.depth_s["full"]
    return {
        "command": f"python -m experiments.forecast.transformer --images {images}",
        "machine": f"{processor()}, one thread",
        "seed": SEED,
        "images": images,
        "versions": versions("torch", "diffusers"),
        "depth_costs": {depth: cost / full for depth, cost in table.depth_s.items()},
        "rows": [asdict(row) for row in rows],
    }


if __name__ == "__main__":
    main()
