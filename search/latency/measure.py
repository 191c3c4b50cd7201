"""Measures a cost table in real denoising runs of mixed schedules."""

from __future__ import annotations

import platform
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import chain

import torch

from dato import Kind, Schedule, Tokens
from search.latency.clock import LoopTime, time_once
from search.latency.composition import compose, sample_of
from search.latency.cost_table import CostTable, Method, Sample
from search.latency.probes import copies, depth_kinds, groups, loops, prune_kinds
from search.model.generator import Generator

BUDGET_S = 35.0
FULL = Kind("full")
STATISTIC = (
    "median over calls of the time over the mean of the nearest plain full calls before and after "
    "it in the same run; parts by weighted least squares"
)


@dataclass
class Times:
    """Times of calls by kind, each as a share of the plain full calls around it.

    A machine that is slow for a while slows those too, so shares compare within a run and between
    runs.
    """

    shares: dict[Kind, list[float]] = field(default_factory=lambda: defaultdict(list))
    units: list[float] = field(default_factory=list)
    fixed: list[float] = field(default_factory=list)
    runs: int = 0
    seconds: float = 0.0

    def add(self, schedule: Schedule, time: LoopTime) -> None:
        """Add one run. Its first call includes the set-up, whose time is the fixed cost.

        A fused run has a time for each computed call only.
        """
        kinds = [schedule.kind(call) for call in range(schedule.calls)]
        if len(time.steps) < len(kinds):
            kinds = [kind for kind in kinds if kind.depth != 0]
        plain = [call for call in range(1, len(kinds)) if kinds[call] == FULL]
        for call in range(1, len(kinds)):
            if kinds[call] != FULL:
                unit = statistics.fmean(time.steps[near] for near in _around(call, plain))
                self.shares[kinds[call]].append(time.steps[call] / unit)
        self.units += [time.steps[call] for call in plain]
        setup = time.total - sum(time.steps[1:])
        self.fixed.append(setup - statistics.median(time.steps[call] for call in plain))
        self.runs += 1
        self.seconds += time.total

    def samples(self) -> tuple[Sample, ...]:
        """Median share and spread of every kind."""
        return tuple(
            sample_of(kind, statistics.median(shares), _spread(shares), len(shares))
            for kind, shares in self.shares.items()
        )

    def covers(self, kinds: Sequence[Kind], repeats: int) -> bool:
        """Whether each kind was seen ``repeats`` times; without any, whether so many runs were."""
        return (bool(kinds) or self.runs >= repeats) and all(
            len(self.shares[kind]) >= repeats for kind in kinds
        )


def _around(call: int, plain: Sequence[int]) -> list[int]:
    """The nearest of ``plain`` before and after ``call``, if there are any."""
    before = [near for near in plain if near < call][-1:]
    return before + [near for near in plain if near > call][:1]


def _spread(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return high - low


def measure(
    generator: Generator,
    tokens: Tokens = Tokens(),
    *,
    repeats: int = 3,
    budget_s: float = BUDGET_S,
    seed: int = 0,
    focus: Sequence[Schedule] = (),
    time_run: Callable[[Schedule], LoopTime] | None = None,
) -> CostTable:
    """Time every depth, and pruning on every level, and compose a table from them.

    Args:
        generator: the study's own: its batch, sampler, dtype and device.
        tokens: selection settings of the schedules that will be priced.
        repeats: samples wanted of every kind.
        budget_s: seconds of the clock after which no run starts once every kind was timed.
        focus: schedules like those that will be priced; their kinds are measured more often.
        time_run: times one schedule; a test's own clock.
    """
    time_run = time_run or (lambda schedule: time_once(generator, schedule))
    topology, fused = generator.topology, generator.work.fused
    kinds = tuple(kind for kind in depth_kinds(topology)[1:] if kind.depth or not fused)
    kinds += tuple(chain.from_iterable(prune_kinds(group, tokens) for group in groups(topology)))
    times = Times()
    batch = generator.place.batch_size
    time_run(_warm_up(generator.calls, depth=min(1, topology.skip_branches)))
    repeated = copies(kinds, focus, topology)
    for schedule in loops(repeated, generator.calls, tokens, seed, fused=fused):
        times.add(schedule, time_run(schedule))
        if times.covers(kinds, repeats if times.seconds * batch < budget_s else 1):
            break
    unit = statistics.median(times.units)
    parts = compose(times.samples(), topology, tokens).scaled(unit)
    return CostTable(
        work=generator.work,
        place=generator.place,
        fixed_s=max(0.0, statistics.median(times.fixed)),
        depth_s=parts.depth,
        selection_s=parts.selection,
        prune=parts.prune,
        samples=times.samples(),
        method=Method(
            statistic=STATISTIC,
            warm_up_runs=1,
            runs=times.runs,
            busy_s=times.seconds * batch,
            seed=seed,
        ),
        machine=machine_of(generator.device),
        versions={name: version(name) for name in ("torch", "diffusers")}
        | {"python": platform.python_version()},
    )


def machine_of(device: torch.device) -> dict[str, str]:
    """What else may change the times of a device, such as threads and instruction sets."""
    facts = {
        "platform": platform.platform(terse=True),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        facts["cuda"] = str(torch.version.cuda)
        facts["compute_capability"] = f"{properties.major}.{properties.minor}"
        facts["memory"] = f"{properties.total_memory / 2**30:.0f} GiB"
    else:
        facts["threads"] = "1"
    return facts


def _warm_up(calls: int, depth: int) -> Schedule:
    """A cheap schedule that goes through patching, caching and a full call."""
    return Schedule.uniform(calls, interval=max(calls, 2), depth=depth)
