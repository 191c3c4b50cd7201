"""What evaluating proposals as a tree of shared prefixes would have saved on recorded studies.

python -m experiments.search.prefixes

Two schedules that make their first calls alike have the same latents and caches up to there, so
that a batch of proposals can be run as a tree. This counts the cost (by the study's cost table) of
the calls that such a tree runs once instead of again; nothing is generated.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

import dato
from dato import Schedule, Topology
from search.latency.cost_file import load_cost_table
from search.latency.cost_table import CostTable
from search.pocket import load_pipeline
from search.records.files import trials_from_json
from search.settings.safe_yaml import read_yaml
from search.space import SpaceContext, load_space
from search.study.mutate import mutated

STUDY = Path(__file__).parents[1] / "study"
BATCHES = (2, 4, 8, 16, 32, 10**9)
"""Consecutive new proposals that are run together; the last is the whole study as one tree."""


def main() -> None:
    topology = dato.topology(load_pipeline())
    table = load_cost_table(STUDY / "cost_table.json")
    records = trials_from_json((STUDY / "trials.json").read_text(encoding="utf-8"))
    schedules = list(dict.fromkeys(r.schedule for r in records if r.schedule is not None))
    print(f"{len(schedules)} different schedules of {len(records)} trials")
    for batch in BATCHES:
        size = min(batch, len(schedules))
        print(f"batches of {size}: {saved(schedules, size, table, topology):.1%} of the cost saved")
    share = shared_with_parent(table, topology, schedules[0].calls)
    print(f"a refinement (space per_call) shares {share:.1%} of its cost with its parent")


def shared_with_parent(table: CostTable, topology: Topology, calls: int) -> float:
    """Mean share of a changed schedule's cost that lies before its first change."""
    with resources.as_file(resources.files("conf") / "space" / "per_call.yaml") as path:
        space = load_space(read_yaml(path))
    context = SpaceContext(calls, topology, (0.0,) * calls)
    generator, shares = random.Random(0), []
    for params in space.warm_starts(context, 8):
        parent = dict(_prefixes(space.decode(params, context), table, topology))
        for _ in range(100):
            changed = space.decode(mutated(params, space.parameters(context), generator), context)
            costs = dict(_prefixes(changed, table, topology))
            shares.append(
                sum(cost for prefix, cost in costs.items() if prefix in parent)
                / sum(costs.values())
            )
    return statistics.fmean(shares)


def saved(schedules: Sequence[Schedule], batch: int, table: CostTable, topology: Topology) -> float:
    """Share of the calls' cost that trees of ``batch`` schedules each would not spend."""
    alone = together = 0.0
    for start in range(0, len(schedules), batch):
        seen: set[tuple[object, ...]] = set()
        for schedule in schedules[start : start + batch]:
            for prefix, cost in _prefixes(schedule, table, topology):
                alone += cost
                together += cost * (prefix not in seen)
                seen.add(prefix)
    return 1 - together / alone


def _prefixes(
    schedule: Schedule, table: CostTable, topology: Topology
) -> Iterator[tuple[tuple[object, ...], float]]:
    """For each call, what has been done up to and with it, and what the call costs.

    The token selection matters from the first pruned call on.
    """
    done: tuple[object, ...] = ()
    for call in range(schedule.calls):
        kind = schedule.kind(call)
        ratios = tuple(sorted(topology.ratios(kind).items()))
        done = (*done, (kind.depth, ratios, schedule.tokens if ratios else None))
        yield done, table.price_call(kind, topology, schedule.tokens)


if __name__ == "__main__":
    main()
