"""Schedules that a new study tries first: another study's front, and planned ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from search.calibration.placement import Between
from search.errors import UserError
from search.preparation.calibration import study_calibration
from search.preparation.instruments import Instruments
from search.records.base_sampler import Base, Run
from search.records.folder import StudyFolder
from search.settings.compose import load_config
from search.space import Space, SpaceContext
from search.space.domains import nearest
from search.starts.planned import planned_starts
from search.starts.slopes import Params, best_slopes
from search.study.front_choice import front_of
from search.study.storage import read_study
from search.study.trial_records import read_records
from search.study.watching import StageWatcher

PRUNED = 0.5
"""Share of the tokens that full calls of planned starts prune. On pocket every member of the front
beyond 7x prunes in its full calls, most of them 0.3 to 0.7 (``experiments/study/planned``)."""


def first_schedules(
    instruments: Instruments, space: Space, watcher: StageWatcher
) -> tuple[Run, ...]:
    """What ``warmstart.study`` and ``warmstart.optimal`` ask for, without what the space lacks.

    Raises:
        UserError: the other study has nothing that this space has.
    """
    settings = instruments.config.warmstart
    found: list[Run] = []
    if settings.study is not None:
        found.extend(_front(Path(settings.study), space, instruments))
    if settings.optimal and places_calls(space):
        for base in space.bases:
            found.extend(_planned(space, instruments, watcher, base))
    return tuple(dict.fromkeys(found))


def _front(path: Path, space: Space, instruments: Instruments) -> list[Run]:
    folder = StudyFolder.open(path)
    config = load_config(folder.config)
    records = read_records(read_study(folder, config.storage))
    front = front_of(records, instruments.config.quality.objective)
    runs = [member.record.run for member in front]
    known = [own for own in runs if _has(space, own, instruments.context)]
    if not known:
        raise UserError(
            f"warmstart.study={str(path)!r} has {len(runs)} schedules on its front and the "
            f"space {space.name!r} can express none of them for {instruments.context.calls} calls. "
            "Give a study of the same number of calls, or a wider space."
        )
    return known


def _has(space: Space, run: Run, context: SpaceContext) -> bool:
    schedule = run.schedule
    return schedule is not None and space.encode(schedule, context, run.base) is not None


def _planned(
    space: Space, instruments: Instruments, watcher: StageWatcher, base: Base
) -> list[Run]:
    """Schedules of least predicted damage on a base, with the best forecast that the space has.

    The faster half comes twice: as planned, and with tokens pruned in its full calls.
    """
    own, context = instruments, instruments.context
    calls = context.on(base).calls
    calibration = study_calibration(own.config, own.folder, own.pool, watcher, base, calls)
    costs = own.evaluator.table.depth_s
    count = -(-own.config.warmstart.optimal // len(space.bases))
    for between in get_args(Between):
        plans = planned_starts(calibration, costs, count, between)
        runs = [Run(plan.schedule(calls), base) for plan in plans]
        known = [each for each in runs if _has(space, each, context)]
        if known:
            half = len(known) // 2
            faster, slower = (
                _sloped(space, part, instruments, watcher) for part in (known[:half], known[half:])
            )
            twins = [pruned(space, each, context) for each in faster]
            return [*faster, *slower, *(twin for twin in twins if twin is not None)]
    return []


def _sloped(
    space: Space, runs: Sequence[Run], instruments: Instruments, watcher: StageWatcher
) -> list[Run]:
    """``runs`` on one base, as far along their lines as is best for the middle one."""
    if not runs:
        return []
    middle = runs[(len(runs) - 1) // 2]
    slopes = best_slopes(instruments, space, middle, watcher)
    return [sloped_like(space, each, instruments.context, slopes) for each in runs]


def sloped_like(space: Space, run: Run, context: SpaceContext, slopes: Params) -> Run:
    """A run of the space with these ``slopes``."""
    assert run.schedule is not None
    params = space.encode(run.schedule, context, run.base)
    assert params is not None, "the space has the run"
    return space.run(params | slopes, context)


def pruned(space: Space, run: Run, context: SpaceContext) -> Run | None:
    """A run of the space, with about the share :data:`PRUNED` of the tokens pruned wherever the
    space lets full calls prune; ``None`` where it does not."""
    assert run.schedule is not None
    params = space.encode(run.schedule, context, run.base)
    ratios = {
        own.name: nearest(own.domain, PRUNED)
        for own in space.parameters(context)
        if own.name.startswith(("full.prune.", "calls.prune."))
    }
    if params is None or not any(ratios.values()):
        return None
    return space.run(params | ratios, context)


def places_calls(space: Space) -> bool:
    """Whether a space can compute any single call and leave out any other, or plans them itself.

    Other rules, which place the full calls themselves, cannot express what is planned.
    """
    if space.spec.rule == "planned":
        return True
    values = {
        value
        for name, entry in space.spec.entries
        if name == "calls.depth"
        for value in entry.domain.values
    }
    return {0, "full"} <= values
