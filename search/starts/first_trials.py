"""What a new study tries first, in its order, as parameters of its space."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from search.calibration.placement import Between, Placement
from search.preparation.calibration import study_calibration
from search.preparation.instruments import Instruments
from search.records.base_sampler import Base
from search.starts.other_study import front_of_study
from search.starts.planned import places_calls, planned, pruned, spread_placements
from search.starts.slopes import best_slope
from search.starts.spread import uniform_starts
from search.starts.uniform import unpatched
from search.starts.writing import NotInSpace, Params
from search.study.search_loop import Start


def first_trials(instruments: Instruments) -> tuple[Start, ...]:
    """The unpatched model, another study's front, planned starts, and uniform ones.

    Of the uniform ones the fastest come first, because they cost least.

    Raises:
        UserError: ``warmstart.study`` has nothing that the space has.
    """
    settings, space = instruments.config.warmstart, instruments.space
    starts = [Start(params, "baseline") for params in _baseline(instruments)]
    starts += map(Start, front_of_study(settings.study, instruments) if settings.study else ())
    if settings.optimal and places_calls(space):
        for base in space.bases:
            starts += map(Start, _planned(instruments, base))
    uniform = uniform_starts(space, instruments.context, settings.count)
    return (*starts, *map(Start, reversed(uniform)))


def _baseline(instruments: Instruments) -> Iterator[Params]:
    """The unpatched model on the study's sampler, where the space has it."""
    space, context = instruments.space, instruments.context
    if None not in space.bases:
        return
    try:
        params = space.lifted(unpatched(space.on(None, context)), None, context)
    except NotInSpace:
        return
    if space.run(params, context).is_unpatched:
        yield params


def _planned(instruments: Instruments, base: Base) -> list[Params]:
    """Starts of least predicted damage on a base, with the best forecast that the space has.

    The faster half comes twice: as planned, and with tokens pruned in its full calls.
    """
    space, context = instruments.space, instruments.context
    bound = space.on(base, context)
    calibration = study_calibration(instruments, base, bound.context.calls)
    costs = instruments.evaluator.table.depth_s
    count = -(-instruments.config.warmstart.optimal // len(space.bases))
    lacking: list[str] = []
    for between in get_args(Between):
        starts: list[tuple[Placement, Params]] = []
        for placement in spread_placements(calibration, costs, count, between):
            try:
                starts.append((placement, planned(bound, placement)))
            except NotInSpace as error:
                lacking.append(str(error))
        if starts:
            break
    else:
        return []
    if lacking:
        instruments.watcher.stage(f"{len(lacking)} planned starts are left out: {lacking[0]}")
    half = len(starts) // 2
    sloped = [*_sloped(instruments, base, starts[:half]), *_sloped(instruments, base, starts[half:])]
    twins = (pruned(bound, placement, params) for placement, params in sloped[:half])
    return [
        space.lifted(params, base, context)
        for params in (*(params for _, params in sloped), *twins)
        if params is not None
    ]


def _sloped(
    instruments: Instruments, base: Base, starts: list[tuple[Placement, Params]]
) -> list[tuple[Placement, Params]]:
    """``starts`` on one base, as far along their lines as is best for the middle one."""
    if not starts:
        return []
    _, middle = starts[(len(starts) - 1) // 2]
    space, context = instruments.space, instruments.context
    slope = best_slope(instruments, space.lifted(middle, base, context))
    return [(placement, params | slope) for placement, params in starts]
