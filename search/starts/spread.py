"""Spreads uniform starts over the speed-up: intervals x depths x ratios."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from search.records.base_sampler import Base
from search.space import Parameter, Space, SpaceContext
from search.space.domains import Choice, Value, nearest
from search.starts.uniform import uniform
from search.starts.writing import NotInSpaceError, Params

RATIOS = (0.0, 0.5, 0.3, 0.7)
PATTERNS = tuple(
    (interval, depth)
    for depth, intervals in (
        (0, (2, 3, 4, 5, 6, 7, 8, 10, 13, 16)),
        (1, (2, 3, 4, 5, 6, 8, 10, 13, 16)),
        (2, (2, 3, 5)),
        (3, (2, 3)),
    )
    for interval in intervals
)
"""Intervals and depths; beyond interval 5, depth 1 buys more speed than a greater depth."""

FEWEST = 4
"""Full calls of the fastest start, where a run has room for them: fewer make hardly a line."""

TURNS = (
    *((0, 0.0), (1, 0.5), (0, 0.0), (0, 0.3), (0, 0.0), (1, 0.0), (2, 0.3), (0, 0.0)),
    *((0, 0.5), (1, 0.3), (0, 0.7), (3, 0.0)),
)
"""Depths and ratios that take turns, from the fastest start on: a study tries that one first, and
so meets forecasts, deeper calls and pruning within its first trials."""

STRAY = 0.5
"""How much further from its place, in log cost, a start may be that has the turn's combination."""


@dataclass(frozen=True)
class Uniform:
    """A uniform start: its depth and ratio, the logarithm of its rough cost, and its parameters."""

    turn: tuple[int, float]
    cost: float
    params: Params


def uniform_starts(space: Space, context: SpaceContext, count: int) -> tuple[Params, ...]:
    """Up to ``count`` uniform starts, from mild to extreme speed-ups, the same each time.

    The bases take turns, and each has its mild and its extreme ones. A few starts differ in one
    parameter, so that every parameter varies among them.
    """
    each, more = divmod(count, len(space.bases))
    turns = [
        _on_base(space, base, context, each + (place < more))
        for place, base in enumerate(space.bases)
    ]
    starts = [start for start in chain(*zip_longest(*turns)) if start is not None]
    return _varied(starts, space, context)


def _on_base(
    space: Space, base: Base | None, context: SpaceContext, count: int
) -> tuple[Params, ...]:
    """About evenly spread over log cost; depths and ratios take turns."""
    left = list(_possible(space, base, context))
    count = min(count, len(left))
    if not count:
        return ()
    slow, fast = max(start.cost for start in left), min(start.cost for start in left)
    turns = [turn for turn in TURNS if any(start.turn == turn for start in left)] or [(0, 0.0)]
    chosen: list[Uniform] = []
    for index in range(count):
        wanted = fast + (slow - fast) * index / max(count - 1, 1)
        turn = turns[index % len(turns)]
        best = min(left, key=lambda start: abs(start.cost - wanted) + STRAY * (start.turn != turn))
        left.remove(best)
        chosen.append(best)
    return tuple(start.params for start in sorted(chosen, key=lambda start: -start.cost))


def _possible(space: Space, base: Base | None, context: SpaceContext) -> Iterator[Uniform]:
    """The uniform starts that the space has on a base, each once."""
    bound, known = space.on(base, context), list[Params]()
    for ratio in RATIOS:
        for interval, depth in PATTERNS:
            if interval > 2 and math.ceil(bound.context.calls / interval) < FEWEST:
                continue
            try:
                params = space.lifted(uniform(bound, interval, depth, ratio), base, context)
            except NotInSpaceError:
                continue
            if params not in known:
                known.append(params)
                yield Uniform((depth, ratio), _cost(bound.context, interval, depth, ratio), params)


def _cost(context: SpaceContext, interval: int, depth: int, ratio: float) -> float:
    """Log of a run's cost by a rule of thumb, only to order the starts before any measurement.

    A depth costs its share of the skip branches and pruning 0.7 saves a sixth, about what was
    measured on SD 1.5.
    """
    full = math.ceil(context.calls / interval)
    share = depth / context.topology.skip_branches if depth else 0.0
    return math.log((full + (context.calls - full) * share) * (1 - ratio / 4))


def _varied(starts: Sequence[Params], space: Space, context: SpaceContext) -> tuple[Params, ...]:
    """``starts``, with each parameter that is the same in all of them changed in one.

    Every second start stays uniform, the fastest among them; the others take turns.
    """
    varied = list(starts)
    turns = list(range(len(varied)))[-2::-2]
    for parameter in space.parameters(context):
        if len({start[parameter.name] for start in varied}) != 1:
            continue
        for place in turns:
            start = varied[place]
            changed = {**start, parameter.name: _another(parameter, start[parameter.name])}
            same = space.decode(changed, context) == space.decode(start, context)
            if changed not in varied and not same:
                varied[place] = changed
                turns.remove(place)
                turns.append(place)
                break
    return tuple(varied)


def _another(parameter: Parameter, value: Value) -> Value:
    """The next choice, or the number halfway to the further end of a range."""
    domain = parameter.domain
    if isinstance(domain, Choice) or isinstance(value, str):
        values = domain.values
        return values[(values.index(value) + 1) % len(values)]
    further = max(map(float, domain.ends), key=lambda end: abs(end - value))
    return nearest(domain, (value + further) / 2)
