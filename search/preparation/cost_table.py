"""The cost table of a study: one that was given for its place, or one that it measures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from dato import Schedule
from search.errors import UserError
from search.latency.cost_file import load_cost_table, require_same_work
from search.latency.cost_table import CostTable
from search.latency.end_to_end import check_cost_table, compare
from search.latency.measure import measure
from search.model.cost_setting import Work
from search.preparation.bench import Bench
from search.preparation.random_schedules import random_schedules
from search.records.base_sampler import Run
from search.space import SpaceContext

FOCUS_SCHEDULES = 100
"""Random schedules of a space from which its kinds of calls are collected."""

CHECK_S = 2.0
"""Seconds of the clock that a schedule is checked for in each round, see
:func:`search.latency.end_to_end.loop_timer`."""


def study_table(bench: Bench) -> CostTable:
    """The table that prices a study's trials. Tables of other places are kept beside it.

    Raises:
        UserError: a given table cannot be read or is for other work, or two are for this place; or
            the study's own is of a time when skipped calls were not fused.
    """
    folder, description = bench.folder, bench.pool.description
    if folder.cost_table.is_file():
        kept = load_cost_table(folder.cost_table)
        require_same_work(description.work, kept, str(folder.cost_table))
        return kept
    given = _given(bench.config.latency.tables, description.work)
    here = [table for table in given if table.place == description.place]
    if len(here) > 1:
        raise UserError(
            f"latency.tables holds {len(here)} tables for {description.place.label}, where this "
            "study runs. Give one."
        )
    table = here[0] if here else measured_table(bench)
    for other in given:
        if other is not table:
            other.save(folder.tables / f"{other.name}.json")
    table.save(folder.cost_table)
    return table


def measured_table(bench: Bench) -> CostTable:
    """Measure a table, most carefully for the kinds of calls in the study's space."""
    config = bench.config
    bench.watcher.stage("measuring the cost table")
    return bench.pool.measure(
        partial(
            measure,
            repeats=config.latency.repeats,
            budget_s=config.latency.budget_s,
            seed=config.study.seed,
            focus=_schedules(bench, FOCUS_SCHEDULES, config.study.seed),
        )
    )


def checked(table: CostTable, bench: Bench) -> CostTable:
    """The table with its error on random schedules of the space, as many as the settings ask
    for."""
    config, topology = bench.config, bench.pool.description.topology
    count, repeats = config.latency.check_schedules, config.latency.repeats
    if not count:
        return table
    bench.watcher.stage(f"timing {count} random schedules end to end, {repeats} times each")
    schedules = _schedules(bench, count, config.study.seed + 1)
    compared = bench.pool.measure(
        partial(compare, runs=[*map(Run, schedules)], repeats=repeats, at_least_s=CHECK_S)
    )
    check = check_cost_table(table, topology, schedules, compared)
    return table.model_copy(update={"check": check})


def _given(paths: Sequence[str], work: Work) -> tuple[CostTable, ...]:
    tables = tuple(load_cost_table(Path(path)) for path in paths)
    for path, table in zip(paths, tables, strict=True):
        require_same_work(work, table, path)
    return tables


def _schedules(bench: Bench, count: int, seed: int) -> tuple[Schedule, ...]:
    """Random schedules of the space, with an even drift: the places of full calls cost nothing."""
    description = bench.pool.description
    drift = (0.0,) + (1.0,) * (description.calls - 1)
    context = SpaceContext(description.calls, description.topology, drift)
    return random_schedules(bench.space, context, count, seed)
