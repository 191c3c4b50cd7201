"""What a new study tries first, in its order, as parameters of its space."""

from __future__ import annotations

from contextlib import suppress
from typing import get_args

from search.calibration.placement import GapForecast, Placement
from search.preparation.calibration import study_calibration
from search.preparation.instruments import Instruments
from search.records.base_sampler import Base
from search.records.timesteps import OWN_TIMESTEPS
from search.space import Space, SpaceContext
from search.starts.other_study import front_of_study
from search.starts.planned import (
    places_calls,
    planned,
    pruned,
    side_by_side,
    spread_placements,
)
from search.starts.room import Room, parted, plans_within, spread
from search.starts.slopes import best_slope
from search.starts.spread import uniform_starts
from search.starts.uniform import unpatched
from search.starts.writing import NotInSpaceError, Params
from search.study.search_loop import Start


def first_trials(instruments: Instruments) -> tuple[Start, ...]:
    """The unpatched model, another study's front, plain runs of few steps, planned starts, and
    uniform ones: at most two thirds of the budget, see :class:`search.starts.room.Room`.

    Raises:
        UserError: ``warmstart.study`` has nothing that the space has.
    """
    config, space = instruments.config, instruments.space
    settings = config.warmstart
    front = [] if settings.study is None else front_of_study(settings.study, instruments)
    front += few_steps(space, instruments.context)
    room = Room.of(config.budget, settings, len(front), places_calls(space))
    tried = spread(front, room.front)
    for base, starts in zip(space.bases, parted(room.planned, len(space.bases)), strict=True):
        tried += _planned(instruments, base, plans_within(starts))
    return (
        *unpatched_start(space, instruments.context),
        *map(Start, tried),
        *fastest_first(space, instruments.context, room.uniform),
    )


def unpatched_start(space: Space, context: SpaceContext) -> tuple[Start, ...]:
    """The unpatched model on the study's sampler; nothing where the space lacks it."""
    try:
        params = space.lifted(unpatched(space.on(None, context)), None, context)
    except NotInSpaceError:
        return ()
    known = None in space.bases and space.run(params, context).is_unpatched
    return (Start(params, "baseline"),) if known else ()


def few_steps(space: Space, context: SpaceContext) -> list[Params]:
    """The bases whose steps are few and well placed, every call of them computed: what a study
    then ships is no worse than they are."""
    given = [each for each in space.bases if each and each.timesteps != OWN_TIMESTEPS]
    starts = list[Params]()
    for base in given:
        with suppress(NotInSpaceError):
            starts.append(space.lifted(unpatched(space.on(base, context)), base, context))
    return starts


def fastest_first(space: Space, context: SpaceContext, count: int) -> tuple[Start, ...]:
    """Up to ``count`` uniform starts; the fastest cost least to evaluate."""
    return tuple(map(Start, reversed(uniform_starts(space, context, count))))


def _planned(instruments: Instruments, base: Base | None, count: int) -> list[Params]:
    """Starts of ``count`` plans of least predicted damage on a base.

    The faster half comes twice: as planned, and with tokens pruned in its full calls.
    """
    if not count:
        return []
    space, context = instruments.space, instruments.context
    starts = _placed(instruments, base, count)
    half = len(starts) // 2
    faster, slower = (_sloped(instruments, base, part) for part in (starts[:half], starts[half:]))
    twins = [pruned(space.on(base, context), *start) for start in faster]
    params = [*(params for _, params in (*faster, *slower)), *twins]
    return [space.lifted(each, base, context) for each in params if each is not None]


def _placed(
    instruments: Instruments, base: Base | None, count: int
) -> list[tuple[Placement, Params]]:
    """Placements at several speed-ups, with the forecasts that the space has in between."""
    bound = instruments.space.on(base, instruments.context)
    calibration = study_calibration(instruments, base, bound.context.calls)
    costs = instruments.evaluator.table.depth_s
    known = list[list[tuple[Placement, Params]]]()
    left_out, elsewhere = list[str](), list[str]()
    for forecast in get_args(GapForecast):
        starts, lacking = list[tuple[Placement, Params]](), list[str]()
        for placement in spread_placements(calibration, costs, count, forecast):
            try:
                starts.append((placement, planned(bound, placement)))
            except NotInSpaceError as error:
                lacking.append(str(error))
        if starts:
            known.append(starts)
        (left_out if starts else elsewhere).extend(lacking)
    reasons = left_out if known else elsewhere
    if reasons:
        instruments.watcher.stage(f"{len(reasons)} planned starts are left out: {reasons[0]}")
    return side_by_side(known)


def _sloped(
    instruments: Instruments, base: Base | None, starts: list[tuple[Placement, Params]]
) -> list[tuple[Placement, Params]]:
    """``starts`` on one base, as far along their lines as is best for the middle one."""
    if not starts:
        return []
    _, middle = starts[(len(starts) - 1) // 2]
    space, context = instruments.space, instruments.context
    slope = best_slope(instruments, space.lifted(middle, base, context))
    return [(placement, params | slope) for placement, params in starts]
