"""The studies of the search's economies count what they say."""

from __future__ import annotations

from typing import cast

import pytest

from dato import Kind, Layer, Schedule, Topology
from experiments.search.prefixes import saved
from experiments.search.rungs import Row, learnt, replay
from search.latency.cost_table import CostTable
from search.study.rung_margin import SIGMAS, learned_margin


class Costs:
    """A full call costs 10, any other 1."""

    def price_call(self, kind: Kind, *_: object) -> float:
        return 10.0 if kind.depth == "full" else 1.0


def share(schedules: list[Schedule], batch: int) -> float:
    return saved(schedules, batch, cast(CostTable, Costs()), Topology(12, (Layer("a", 0, 1),)))


def test_a_tree_runs_a_shared_prefix_once() -> None:
    one, other = Schedule.uniform(4, 4), Schedule.uniform(4, 2)
    assert share([one, other], 2) == pytest.approx(11 / (13 + 22))
    assert share([one, other], 1) == 0


def test_schedules_that_differ_in_the_first_call_share_nothing() -> None:
    pruned = Schedule({"full": Kind("full", {"level_0": 0.5})}, ("full",) * 4)
    assert share([Schedule.full(4), pruned], 2) == 0
    assert share([pruned, pruned], 2) == 0.5


def test_the_margin_of_another_number_of_deviations_is_that_power() -> None:
    losses = [(float(n), n * (1.0 + 0.1 * (n % 3))) for n in range(1, 40)]
    assert learnt(losses, SIGMAS) == pytest.approx(learned_margin(losses, 9.0))
    assert learnt(losses, 2 * SIGMAS) == pytest.approx(learned_margin(losses, 9.0) ** 2)


def test_a_replay_loses_nothing_where_the_first_rung_never_errs() -> None:
    rows: list[Row] = [
        (0.1 + 0.02 * n, 1.0, fid, fid, 0.0, 0.0) for n in range(30) for fid in (30.0 / (n + 1), 50)
    ]
    assert "0 of 30 front members lost, hypervolume 1.00000" in replay(rows, 2, 1.0)
