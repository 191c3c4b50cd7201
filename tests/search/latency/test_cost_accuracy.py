"""The promise on the cost table, on the embedded model. Wants a quiet machine."""

from __future__ import annotations

import random

import pytest

from dato import Kind, Schedule
from search.latency.end_to_end import check_cost_table, compare
from search.latency.measure import measure
from search.model.generator import Generator
from search.model.loading import ModelConfig
from search.model.workload import Workload
from search.pocket.captions import sample_scenes
from search.records.base_sampler import Run

ROUNDS = 40
"""Runs of one image differ by several percent from each other: their median needs many."""


def random_schedule(generator: random.Random, calls: int) -> Schedule:
    """Like a search's: full calls, cached calls of one depth, reused calls; level 0 pruned."""
    kinds = {
        "full": Kind("full", {"level_0": generator.choice((0.0, 0.3, 0.5, 0.7))}),
        "cached": Kind(
            generator.choice((1, 1, 2, 3, 6)), {"level_0": generator.uniform(0.0, 0.75)}
        ),
        "reuse": Kind(0),
    }
    weights = (generator.uniform(0.05, 0.4), 1.0, generator.uniform(0.0, 0.4))
    steps = ("full", *generator.choices(tuple(kinds), weights, k=calls - 1))
    return Schedule({name: kinds[name] for name in dict.fromkeys(steps)}, steps)


@pytest.mark.benchmark
@pytest.mark.timeout(3600)
def test_table_foretells_ten_random_schedules() -> None:
    captions = tuple(scene.caption for scene in sample_scenes(1, 1))
    generator = Generator(ModelConfig(batch_size=1), Workload(captions, 1))
    table = measure(generator, repeats=12, budget_s=240)
    draw = random.Random(0)
    schedules = [random_schedule(draw, generator.calls) for _ in range(10)]
    compared = compare(generator, [*map(Run, schedules)], ROUNDS)
    check = check_cost_table(table, generator.topology, schedules, compared)
    print(check)
    assert check.median < 0.02
    assert check.worst < 0.05
