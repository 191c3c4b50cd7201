"""Cost tables: composition, the file, measurement with a made-up clock, and the check."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from dato import Kind, Schedule, Tokens, Topology
from search.errors import ConfigError, UserError
from search.evaluate.calibrate import measure
from search.evaluate.clock import LoopTime, time_once
from search.evaluate.cost_table import CostTable, PruneCost
from search.evaluate.generate import Generator
from search.evaluate.latency import check_cost_table, time_together
from search.evaluate.probes import depth_kinds, groups, loops, prune_kinds
from tests.search.evaluate.tiny import STEPS

TOKENS = Tokens()
FIXED = 0.5


def true_call(kind: Kind, topology: Topology) -> float:
    """A made-up machine: cost of a call in seconds per image."""
    depth = 20 if kind.depth == "full" else kind.depth
    cost = 0.1 + 0.3 * float(depth)
    ratios = topology.ratios(kind)
    pruned = [layer for layer in topology.layers if layer.name in ratios]
    cost += 0.05 * any(layer.level == 0 for layer in pruned)
    for layer in pruned:
        cost += 0.02 - ratios[layer.name] / (1 + layer.level)
    return cost


class MadeUpMachine:
    """Times schedules by :func:`true_call`, with noise and with runs of different speed."""

    def __init__(self, topology: Topology, noise: float = 0.0, seed: int = 0) -> None:
        self._topology, self._noise = topology, noise
        self._random = random.Random(seed)
        self.runs = 0

    def run(self, schedule: Schedule) -> LoopTime:
        self.runs += 1
        pace = 1 + self._noise * self._random.random()
        steps = [
            pace
            * true_call(schedule.kind(call), self._topology)
            * (1 + self._noise * self._random.uniform(-0.5, 0.5))
            for call in range(schedule.calls)
        ]
        steps[0] += FIXED
        return LoopTime(tuple(steps), sum(steps))

    def seconds(self, schedule: Schedule | None) -> float:
        return self.run(schedule or Schedule.full(STEPS)).total


def random_schedule(generator: random.Random, topology: Topology) -> Schedule:
    full = Kind("full", {"level_0": generator.uniform(0, 0.75)})
    layer = generator.choice(topology.layers).name
    cached = Kind(generator.randint(1, topology.skip_branches), {layer: generator.random() * 0.7})
    reuse = Kind(0)
    kinds = {"full": full, "cached": cached, "reuse": reuse}
    steps = ("full", *(generator.choice(list(kinds)) for _ in range(STEPS - 1)))
    return Schedule({name: kinds[name] for name in dict.fromkeys(steps)}, steps)


def random_schedules(topology: Topology) -> list[Schedule]:
    generator = random.Random(0)
    return [random_schedule(generator, topology) for _ in range(10)]


@pytest.fixture(scope="module")
def table(generator: Generator) -> CostTable:
    return measure(generator, time_run=MadeUpMachine(generator.topology).run)


def test_noiseless_machine_is_priced_exactly(generator: Generator, table: CostTable) -> None:
    topology = generator.topology
    for schedule in random_schedules(topology):
        truth = MadeUpMachine(topology).seconds(schedule)
        assert table.price(schedule, topology) == pytest.approx(truth, rel=1e-6)


def test_noisy_machine_is_priced_within_five_percent(generator: Generator) -> None:
    topology = generator.topology
    noisy = MadeUpMachine(topology, noise=0.1, seed=1)
    table = measure(generator, time_run=noisy.run, repeats=5, budget_s=1e9)
    error = check_cost_table(table, topology, random_schedules(topology), noisy.seconds)
    assert 0 < error < 0.05


def test_check_of_a_wrong_table(generator: Generator, table: CostTable) -> None:
    topology = generator.topology
    wrong = table.model_copy(update={"depth_s": dict(table.depth_s) | {"0": 5.0}})
    schedules = random_schedules(topology)
    machine = MadeUpMachine(topology)
    assert check_cost_table(table, topology, schedules, machine.seconds) < 1e-6
    assert check_cost_table(wrong, topology, schedules, machine.seconds) > 0.2


def test_budget_ends_the_measurement(generator: Generator) -> None:
    long, short = MadeUpMachine(generator.topology), MadeUpMachine(generator.topology)
    measure(generator, time_run=long.run, repeats=8, budget_s=1e9)
    measure(generator, time_run=short.run, repeats=8, budget_s=0)
    assert short.runs < long.runs


def test_every_searched_variable_changes_the_price(generator: Generator, table: CostTable) -> None:
    topology = generator.topology
    plain = Schedule.uniform(STEPS, 3, 1, {"level_0": 0.5})
    price = table.price(plain, topology)
    others = [
        Schedule.uniform(STEPS, 2, 1, {"level_0": 0.5}),
        Schedule.uniform(STEPS, 3, 2, {"level_0": 0.5}),
        Schedule.uniform(STEPS, 3, 1, {"level_0": 0.6}),
        Schedule.uniform(STEPS, 3, 1, {"level_1": 0.5}),
        replace(plain, tokens=Tokens(share="layer")),
    ]
    assert len({price, *(table.price(other, topology) for other in others)}) == 6


def test_ratios_are_interpolated() -> None:
    cost = PruneCost(level=0, middle=False, ratios=(0.25, 0.75), delta_s=(1.0, -1.0))
    assert [cost.delta(ratio) for ratio in (0.25, 0.5, 0.75)] == [1.0, 0.0, -1.0]
    assert cost.delta(1.0) == pytest.approx(-2)


def test_loops_show_every_kind(generator: Generator) -> None:
    topology = generator.topology
    depths = depth_kinds(topology)
    prunes = [kind for group in groups(topology) for kind in prune_kinds(group, TOKENS)]
    stream = loops(depths, prunes, 12, TOKENS, seed=0)
    seen = {
        schedule.kind(call) for schedule in (next(stream) for _ in range(9)) for call in range(12)
    }
    assert seen == {*depths, *prunes}


def test_file_gives_the_same_table(table: CostTable, tmp_path: Path) -> None:
    table.save(tmp_path / "table.json")
    assert CostTable.load(tmp_path / "table.json") == table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": 1}, "extra"),
        ({"version": 2}, "version"),
        ({"fixed_s": "1"}, "fixed_s"),
        ({"depth_s": {"full": None}}, "depth_s"),
    ],
)
def test_broken_files_are_refused(
    table: CostTable, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    path = tmp_path / "table.json"
    path.write_text(json.dumps(json.loads(table.model_dump_json()) | change))
    with pytest.raises(ConfigError, match=message):
        CostTable.load(path)
    with pytest.raises(UserError, match="Cannot read"):
        CostTable.load(tmp_path / "none.json")


def test_unmeasured_parts_are_named(generator: Generator, table: CostTable) -> None:
    poor = table.model_copy(update={"depth_s": {"full": 1.0}, "prune": ()})
    with pytest.raises(UserError, match="no depth 1"):
        poor.price(Schedule.uniform(STEPS, 2), generator.topology)
    with pytest.raises(UserError, match="no pruning on level 0"):
        poor.price(
            Schedule({"full": Kind("full", {"level_0": 0.5})}, ("full",)), generator.topology
        )


def test_interleaved_times_cancel_a_slow_spell() -> None:
    pace = iter([1, 1, 2, 4, 4, 4, 4, 4, 8, 8] * 9)

    def timer(schedule: Schedule | None) -> float:
        return next(pace) * (1.0 if schedule is None else 0.5)

    compared = time_together(timer, [Schedule.full(STEPS)], repeats=5)
    assert compared.speedups[0] == pytest.approx(2, rel=0.3)
    assert compared.timings[0].repeats == 5
    assert compared.baseline.repeats == 6


def test_real_clock(generator: Generator) -> None:
    timed = time_once(generator, Schedule.uniform(STEPS, 3))
    assert len(timed.steps) == STEPS
    assert 0 < sum(timed.steps) <= timed.total
    table = measure(generator, repeats=1, budget_s=0)
    assert table.depth_s["0"] < table.depth_s["full"]
    assert table.setting.timer == "process_time"
