"""End-to-end times of schedules, interleaved, and how well a cost table foretells them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dato import Schedule, Topology
from search.evaluate.clock import time_once
from search.evaluate.cost_table import CostTable
from search.evaluate.generate import Generator
from search.record import Timing

TimeOnce = Callable[[Schedule | None], float]
"""Seconds per image of one denoising run."""


@dataclass(frozen=True)
class Compared:
    """End-to-end times of schedules that were timed together.

    Args:
        baseline: the unpatched pipeline.
        timings: one for each schedule.
        speedups: median over rounds of baseline time over schedule time, in the same round.
    """

    baseline: Timing
    timings: tuple[Timing, ...]
    speedups: tuple[float, ...]


def loop_timer(generator: Generator) -> TimeOnce:
    """A timer of whole denoising runs of the first chunk."""
    return lambda schedule: time_once(generator, schedule).total


def time_together(timer: TimeOnce, schedules: Sequence[Schedule], repeats: int) -> Compared:
    """Time schedules and the unpatched pipeline in turns.

    The unpatched pipeline runs before and after each round, so that a machine that slows down for
    a while slows both sides of a ratio.
    """
    timer(None)
    rounds: list[list[float]] = []
    edges = [timer(None)]
    for _ in range(repeats):
        rounds.append([timer(schedule) for schedule in schedules])
        edges.append(timer(None))
    bases = [(before + after) / 2 for before, after in pairwise(edges)]
    columns = list(zip(*rounds, strict=True))
    return Compared(
        baseline=_timing(edges),
        timings=tuple(_timing(column) for column in columns),
        speedups=tuple(
            statistics.median(base / value for base, value in zip(bases, column, strict=True))
            for column in columns
        ),
    )


def cost_table_errors(
    table: CostTable, topology: Topology, schedules: Sequence[Schedule], compared: Compared
) -> tuple[float, ...]:
    """Relative error of the priced speed-up of each schedule against the timed one."""
    errors = []
    for schedule, timed in zip(schedules, compared.speedups, strict=True):
        full = table.price(Schedule.full(schedule.calls), topology)
        errors.append(abs(full / table.price(schedule, topology) / timed - 1))
    return tuple(errors)


def check_cost_table(
    table: CostTable,
    topology: Topology,
    schedules: Sequence[Schedule],
    timer: TimeOnce,
    repeats: int = 3,
) -> float:
    """Mean relative error of the table's speed-ups against end-to-end times of ``schedules``.

    Speed-ups, not seconds, are compared: both sides of a timed speed-up were taken in the same
    minute, so that the error is the table's and not the machine's.
    """
    compared = time_together(timer, schedules, repeats)
    return statistics.fmean(cost_table_errors(table, topology, schedules, compared))


def _timing(seconds: Sequence[float]) -> Timing:
    ordered = sorted(seconds)
    spread = ordered[(3 * len(ordered)) // 4] - ordered[len(ordered) // 4]
    return Timing(statistics.median(ordered), spread, len(ordered))
