"""Cost tables: composition, the file, measurement with a made-up clock, and the check."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from dato import Kind, Schedule, Tokens, Topology
from search.errors import ConfigError, UserError
from search.latency.clock import LoopTime, time_once
from search.latency.cost_file import load_cost_table, require_same_work
from search.latency.cost_table import CostTable, PruneCost
from search.latency.end_to_end import check_cost_table, time_together
from search.latency.measure import measure
from search.latency.probes import COPIES, copies, depth_kinds, groups, loops, prune_kinds
from search.model.generator import Generator
from tests.search.model.tiny import STEPS

STUDY = Path(__file__).parents[3] / "experiments" / "study"
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
        cost += 0.02 - ratios[layer.name] / (10 * (1 + layer.level))
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
    schedules = random_schedules(topology)
    compared = time_together(noisy.seconds, schedules, repeats=3)
    check = check_cost_table(table, topology, schedules, compared)
    assert 0 < check.median < 0.05
    assert check.median <= check.worst < 0.1
    assert 0 < check.noise < 0.1
    assert (check.schedules, check.repeats) == (10, 3)


def test_check_of_a_wrong_table(generator: Generator, table: CostTable) -> None:
    topology = generator.topology
    wrong = table.model_copy(update={"depth_s": dict(table.depth_s) | {"0": 5.0}})
    schedules = random_schedules(topology)
    machine = MadeUpMachine(topology)
    compared = time_together(machine.seconds, schedules, repeats=3)
    assert check_cost_table(table, topology, schedules, compared).worst < 1e-6
    assert check_cost_table(wrong, topology, schedules, compared).median > 0.2


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
    stream = loops([*depths, *prunes], 12, TOKENS, seed=0)
    seen = {
        schedule.kind(call) for schedule in (next(stream) for _ in range(9)) for call in range(12)
    }
    assert seen == {*depths, *prunes}


def test_file_gives_the_same_table(table: CostTable, tmp_path: Path) -> None:
    table.save(tmp_path / "table.json")
    assert load_cost_table(tmp_path / "table.json") == table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": 1}, "extra"),
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
        load_cost_table(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff\xfe", "UTF-16 text"),
        (b" " * 1_000_001, "at most 1,000,000 are read"),
        (b"[]", "is not a cost table"),
        (b'{"format": "dato-preset", "version": 1}', "is not a cost table"),
        (b'{"format": "dato-cost-table", "version": 1}', "has version 1.*dato-search cost-table"),
        (b'{"format": "dato-cost-table", "version": 4}', "has version 4"),
        (b'{"format": "dato-cost-table", "version": true}', "has version True"),
    ],
)
def test_what_is_no_table_of_this_version_is_one_error(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "table.json").write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        load_cost_table(tmp_path / "table.json")
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="Cannot read"):
        load_cost_table(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depth_s": {"1": 1.0}}, "no full call"),
        ({"depth_s": {"full": 0.0}}, "s, and every call takes time. Measure"),
        ({"depth_s": {"full": 1.0, "1": -1.0}}, "s, and every call takes time. Measure"),
        ({"fixed_s": -1.0}, "fixed_s"),
        ({"prune": [{"level": 0, "middle": False, "ratios": [0.5, 0.5], "delta_s": [0.0, 0.0]}]},
         "0.5, 0.5.* do not ascend"),
        ({"prune": [{"level": 0, "middle": False, "ratios": [0.5], "delta_s": []}]},
         "one delta for each"),
    ],
)  # fmt: skip
def test_numbers_that_make_no_sense_are_refused(
    table: CostTable, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    path = tmp_path / "table.json"
    path.write_text(json.dumps(json.loads(table.model_dump_json()) | change))
    with pytest.raises(ConfigError, match=message):
        load_cost_table(path)


def test_a_price_below_zero_is_refused(generator: Generator, table: CostTable) -> None:
    entry = PruneCost(level=0, middle=False, ratios=(0.5,), delta_s=(-1e6,))
    with pytest.raises(UserError, match="which no run takes"):
        table.model_copy(update={"prune": (entry,)}).price(
            Schedule.uniform(STEPS, 2, 1, {"level_0": 0.5}), generator.topology
        )


def test_a_table_says_where_and_how_it_was_measured(generator: Generator, table: CostTable) -> None:
    assert table.name.endswith("-float32-b2-16x16")
    assert table.work.topology == generator.topology
    assert table.method is not None and table.method.runs > 1
    kinds = {(sample.depth, *sample.prune.items()) for sample in table.samples}
    assert len(kinds) == len(table.samples)
    assert all(sample.count >= 1 and sample.spread >= 0 for sample in table.samples)


def test_other_work_is_told_by_what_differs(table: CostTable) -> None:
    other = table.work.model_copy(update={"calls": 20, "architecture": "sha256:" + "0" * 64})
    assert table.work.differences(table.work.model_copy(update={"model": "another"})) == ()
    assert table.work.differences(other) == ("architecture", f"calls 20, not {STEPS}")


def test_what_a_space_is_made_of_is_measured_most_often(generator: Generator) -> None:
    topology = generator.topology
    kinds = (Kind(1), Kind(2), Kind(3), *prune_kinds(groups(topology)[0], TOKENS))
    counts = Counter(copies(kinds, [Schedule.uniform(STEPS, 3, depth=2)], topology))
    assert counts[Kind(2)] == COPIES
    assert counts[Kind(1)] == counts[Kind(3)] == 1
    pruned = Counter(copies(kinds, [Schedule.uniform(STEPS, 3, 1, {"level_0": 0.5})], topology))
    assert all((n == COPIES) == (k.depth in ("full", 1)) for k, n in pruned.items())


def test_pruning_is_measured_where_it_is_cheapest(generator: Generator) -> None:
    for group in groups(generator.topology):
        for depth in group.depths():
            kind = group.kind(0.5, depth)
            assert set(kind.prune) == set(generator.topology.ratios(kind))
        assert {len(group.running(depth)) for depth in group.depths()} >= {len(group.layers)}


def test_unmeasured_parts_are_named(generator: Generator, table: CostTable) -> None:
    poor = table.model_copy(update={"depth_s": {"full": 1.0}, "prune": ()})
    with pytest.raises(UserError, match="no depth 1"):
        poor.price(Schedule.uniform(STEPS, 2), generator.topology)
    with pytest.raises(UserError, match="no pruning on level 0"):
        poor.price(
            Schedule({"full": Kind("full", {"level_0": 0.5})}, ("full",)), generator.topology
        )


def test_the_pace_around_each_run_cancels_a_machine_that_slows_down() -> None:
    """Speed-ups are exact if the machine slows down by as much at every run."""
    seconds, ran = {None: 100.0, "pace": 10.0, "half": 50.0, "third": 100 / 3}, []

    def timer(run: str | None) -> float:
        ran.append(run)
        return seconds[run] * (1000 + len(ran))

    compared = time_together(timer, ["half", "third", "half"], repeats=2, pace="pace")
    once = [None, "half", "third", "pace", "half", None, "pace"]
    assert ran == ["pace", "pace", *once, *once]
    assert compared.speedups == pytest.approx((2, 3, 2), rel=0.01)
    assert (compared.baseline.repeats, compared.timings[0].repeats) == (4, 2)


def test_real_clock(generator: Generator) -> None:
    timed = time_once(generator, Schedule.uniform(STEPS, 3))
    assert len(timed.steps) == STEPS
    assert 0 < sum(timed.steps) <= timed.total
    table = measure(generator, repeats=1, budget_s=0)
    assert table.depth_s["0"] < table.depth_s["full"]
    assert table.place.timer == "process_time"
    assert table.place == generator.place
    assert table.work.differences(generator.work) == ()


def test_a_table_of_version_2_priced_skipped_calls_one_by_one(tmp_path: Path) -> None:
    known = STUDY / "cost_table.json"
    table = load_cost_table(known)
    assert not table.work.fused
    with pytest.raises(UserError, match="fused False, not True"):
        require_same_work(table.work.model_copy(update={"fused": True}), table, str(known))
