"""Measures a cost table in real denoising runs of mixed schedules."""

from __future__ import annotations

import platform
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import chain

from dato import Kind, Schedule, Tokens, Topology
from search.evaluate.clock import LoopTime, time_once, timer_of
from search.evaluate.cost_table import CostTable, PruneCost, Setting
from search.evaluate.generate import Generator
from search.evaluate.probes import Group, depth_kinds, groups, loops, prune_kinds, ratio_grid

BUDGET_S = 35.0
FULL = Kind("full")


@dataclass
class Samples:
    """Times of calls by kind, each as a share of the plain full calls of its own run.

    A machine that is slower for one run is slower for the run's full calls too, so that shares
    stay comparable between runs.
    """

    shares: dict[Kind, list[float]] = field(default_factory=lambda: defaultdict(list))
    units: list[float] = field(default_factory=list)
    fixed: list[float] = field(default_factory=list)

    def add(self, schedule: Schedule, time: LoopTime) -> None:
        """Take in one run. Its first call holds the set-up, whose time is the fixed cost."""
        kinds = [schedule.kind(call) for call in range(schedule.calls)]
        pairs = list(zip(kinds, time.steps, strict=True))[1:]
        unit = statistics.median(seconds for kind, seconds in pairs if kind == FULL)
        for kind, seconds in pairs:
            self.shares[kind].append(seconds / unit)
        self.units.append(unit)
        self.fixed.append((time.total - sum(time.steps[1:])) / unit - 1)

    def costs(self) -> tuple[dict[Kind, float], float]:
        """Seconds per image by kind, and the fixed cost of a run."""
        unit = statistics.median(self.units)
        costs = {kind: unit * statistics.median(shares) for kind, shares in self.shares.items()}
        costs[FULL] = unit
        return costs, max(0.0, unit * statistics.median(self.fixed))

    def covers(self, kinds: tuple[Kind, ...], repeats: int) -> bool:
        """Whether each kind was seen ``repeats`` times."""
        return all(len(self.shares[kind]) >= repeats for kind in kinds)


def measure(
    generator: Generator,
    tokens: Tokens = Tokens(),
    *,
    repeats: int = 3,
    budget_s: float = BUDGET_S,
    seed: int = 0,
    time_run: Callable[[Schedule], LoopTime] | None = None,
) -> CostTable:
    """Time every depth, and pruning on every level, and compose a table from them.

    Args:
        generator: the study's own: its batch, sampler, dtype and device.
        tokens: selection settings of the schedules that will be priced.
        repeats: samples wanted of every kind.
        budget_s: no run starts later than this (seconds of the clock), except that every kind
            is seen once in any case.
        time_run: times one schedule; a test's own clock.
    """
    time_run = time_run or (lambda schedule: time_once(generator, schedule))
    topology = generator.topology
    found = groups(topology)
    depths = depth_kinds(topology)
    prunes = tuple(chain.from_iterable(prune_kinds(group, tokens) for group in found))
    samples, spent = Samples(), 0.0
    batch = min(generator.model.batch_size, len(generator.workload))
    time_run(_warm_up(generator.calls))
    for schedule in loops(depths, prunes, generator.calls, tokens, seed):
        time = time_run(schedule)
        samples.add(schedule, time)
        spent += time.total * batch
        wanted = repeats if spent < budget_s else 1
        if samples.covers((*depths[1:], *prunes), wanted):
            break
    costs, fixed = samples.costs()
    return _compose(_setting(generator), topology, tokens, costs, fixed)


def _warm_up(calls: int) -> Schedule:
    """Cheap, and yet it goes through patching, caching and a full call."""
    return Schedule.uniform(calls, interval=max(calls, 2), depth=1)


def _compose(
    setting: Setting,
    topology: Topology,
    tokens: Tokens,
    costs: Mapping[Kind, float],
    fixed_s: float,
) -> CostTable:
    selections: dict[int, float] = {}
    entries = []
    for group in groups(topology):
        selection = _selection(group, tokens, costs)
        selections[group.level] = max(selection, selections.get(group.level, 0.0))
        ratios = ratio_grid(group, tokens)
        deltas = tuple(
            (costs[group.kind(ratio)] - costs[FULL] - selection) / len(group.layers)
            for ratio in ratios
        )
        entries.append(
            PruneCost(level=group.level, middle=group.middle, ratios=ratios, delta_s=deltas)
        )
    return CostTable(
        setting=setting,
        fixed_s=fixed_s,
        depth_s={str(kind.depth): costs[kind] for kind in depth_kinds(topology)},
        selection_s=selections,
        prune=tuple(entries),
        versions={name: version(name) for name in ("torch", "diffusers")}
        | {"python": platform.python_version()},
    )


def _selection(group: Group, tokens: Tokens, costs: Mapping[Kind, float]) -> float:
    """Cost of choosing tokens once: what is left of one pruned layer's cost without its delta."""
    count = len(group.layers)
    ratio = ratio_grid(group, tokens)[1]
    if group.kind(ratio, count=1) not in costs or count == 1:
        return 0.0
    one = costs[group.kind(ratio, count=1)] - costs[FULL]
    everything = costs[group.kind(ratio)] - costs[FULL]
    return max(0.0, one - (everything - one) / (count - 1))


def _setting(generator: Generator) -> Setting:
    model = generator.model
    return Setting(
        device=generator.device_name,
        dtype=model.dtype,
        batch_size=min(model.batch_size, len(generator.workload)),
        latent_size=generator.latent_size,
        guided=model.guided,
        scheduler=model.scheduler,
        skip_branches=generator.topology.skip_branches,
        timer=timer_of(generator.device),
    )
