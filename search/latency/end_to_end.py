"""End-to-end times of schedules, taken in turns, and how well a cost table predicts them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dato import Schedule, Topology
from search.latency.clock import time_once
from search.latency.cost_table import Check, CostTable
from search.model.base_sampler import based
from search.model.generator import Generator
from search.records.base_sampler import Base, Run
from search.records.front import Timing

R = TypeVar("R")

TimeOnce = Callable[[Run | None], float]
"""Seconds per image of one denoising run; ``None`` is the unpatched pipeline."""


BETWEEN = 3
"""Runs that are timed between two paces."""

ENOUGH = 3
"""Runs of which a median passes over one that was disturbed."""


@dataclass(frozen=True)
class Compared:
    """End-to-end times of schedules that were timed together.

    Args:
        baseline: the unpatched pipeline.
        timings: one for each schedule.
        speedups: median over rounds of the baseline's time over the schedule's, each as a multiple
            of the pace around it.
    """

    baseline: Timing
    timings: tuple[Timing, ...]
    speedups: tuple[float, ...]


def loop_timer(generator: Generator, at_least_s: float = 0.0) -> TimeOnce:
    """A timer of whole denoising runs of the first chunk.

    Args:
        at_least_s: seconds of the clock. A schedule is run again until its runs have lasted that
            long or were :data:`ENOUGH`, and the median is taken; otherwise fast schedules would
            have the most noise.
    """
    batch = generator.place.batch_size

    def timer(run: Run | None) -> float:
        wanted = run or Run(None)
        with based(generator, wanted.base) as other:
            times = [time_once(other, wanted.schedule).total]
            while sum(times) * batch < at_least_s and len(times) < ENOUGH:
                times.append(time_once(other, wanted.schedule).total)
        return statistics.median(times)

    return timer


def compare(
    generator: Generator, runs: Sequence[Run], repeats: int, at_least_s: float = 0.0
) -> Compared:
    """:func:`time_together` of whole denoising runs; see :func:`loop_timer`."""
    return time_together(loop_timer(generator, at_least_s), runs, repeats, pace_of(generator))


def pace_of(generator: Generator) -> Run | None:
    """What a machine's pace is read from: the unpatched pipeline in a tenth of its steps, or in
    five, which every scheduler can; in all of them if that is no shorter."""
    model = generator.model
    steps = max(model.num_inference_steps // 10, 5)
    short = steps < model.num_inference_steps
    return Run(None, Base(generator.work.scheduler, steps)) if short else None


def time_together(
    timer: Callable[[R | None], float],
    schedules: Sequence[R],
    repeats: int,
    pace: R | None = None,
) -> Compared:
    """Time schedules, or other samplers, and the unpatched pipeline in turns.

    A short run, the pace, is timed before and after every :data:`BETWEEN` of them. So a machine
    that slows down for a while slows both sides of a ratio. The unpatched pipeline, which is in
    every ratio, begins and ends each round.

    Args:
        pace: ``None`` is the unpatched pipeline itself.
    """
    timer(pace)
    before, runs = timer(pace), (None, *schedules, None)
    times: list[list[float]] = [[] for _ in runs]
    paces: list[list[float]] = [[] for _ in runs]
    for _ in range(repeats):
        for first in range(0, len(runs), BETWEEN):
            block = range(first, min(first + BETWEEN, len(runs)))
            for index in block:
                times[index].append(timer(runs[index]))
            after = timer(pace)
            for index in block:
                paces[index].append(times[index][-1] / (before + after))
            before = after
    return Compared(
        baseline=_timing([*times[0], *times[-1]]),
        timings=tuple(_timing(column) for column in times[1:-1]),
        speedups=tuple(_speedup(paces[0], paces[-1], column) for column in paces[1:-1]),
    )


def _speedup(first: Sequence[float], last: Sequence[float], schedule: Sequence[float]) -> float:
    rounds = zip(first, last, schedule, strict=True)
    return statistics.median((begun + ended) / 2 / part for begun, ended, part in rounds)


def cost_table_errors(
    table: CostTable, topology: Topology, schedules: Sequence[Schedule], compared: Compared
) -> tuple[float, ...]:
    """Relative error of the priced speed-up of each schedule against the timed one."""
    return tuple(
        abs(table.speedup(schedule, topology) / timed - 1)
        for schedule, timed in zip(schedules, compared.speedups, strict=True)
    )


def check_cost_table(
    table: CostTable,
    topology: Topology,
    schedules: Sequence[Schedule],
    compared: Compared,
) -> Check:
    """Errors of the table's speed-ups against the end-to-end times of ``schedules``.

    Speed-ups are compared, not seconds. Both sides of a timed speed-up come from the same minute,
    so the error is the table's and not the machine's.
    """
    errors = cost_table_errors(table, topology, schedules, compared)
    return Check(
        schedules=len(schedules),
        repeats=compared.timings[0].repeats,
        median=statistics.median(errors),
        worst=max(errors),
        noise=statistics.median(timing.spread_s / timing.latency_s for timing in compared.timings),
    )


def _timing(seconds: Sequence[float]) -> Timing:
    ordered = sorted(seconds)
    spread = ordered[(3 * len(ordered)) // 4] - ordered[len(ordered) // 4]
    return Timing(statistics.median(ordered), spread, len(ordered))
