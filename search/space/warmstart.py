"""Uniform runs to start a study from: intervals x depths x ratios, forecast as best they can."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dato import Kind, Schedule, Tokens
from dato.schedule import Forecast, Quantity
from search.space.behaviour import Behaviour
from search.space.between import RANGED, widest
from search.space.bind import Bound
from search.space.context import SpaceContext
from search.space.domains import Choice, Value, contains, nearest
from search.space.encode import usual_tokens
from search.space.parameters import Parameter

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

OUTPUT: tuple[Forecast, ...] = ("linear", "fitted", "hold")
CUT: tuple[Forecast, ...] = ("fitted", "linear", "hold")
"""Forecasts, the best first, as measured on pocket (``experiments/forecast``)."""

Params = dict[str, Value]
Encoder = Callable[[int, int, float, SpaceContext], Params | None]


@dataclass(frozen=True)
class Start:
    """An encoded uniform run, its depth and ratio, and the logarithm of its rough cost."""

    turn: tuple[int, float]
    cost: float
    params: Params


def uniform(bound: Bound, interval: int, depth: int, ratio: float) -> Behaviour:
    """A full call every ``interval`` calls and ``depth`` in between, forecast as best it can be.

    ``ratio`` is pruned on the finest level with self-attention, with the space's usual tokens. The
    space's ranges are as wide as they can be.
    """
    calls, finest = bound.context.calls, bound.context.finest
    cached, pruned, predicted = (widest(what, bound.spec.entries, calls) for what in RANGED)
    name, best = ("forecast.cut", CUT) if depth else ("forecast.output", OUTPUT)
    forecast = next(own for own in best if contains(bound.domain(name), own))

    def kind(call: int) -> Kind:
        prune = {f"level_{finest}": ratio} if ratio and call in pruned else {}
        if call % interval == 0 or call not in cached:
            return Kind("full", prune)
        return Kind(depth, prune if depth else {}, forecast if call in predicted else "hold")

    tokens = usual_tokens(bound) if ratio else Tokens()
    return Behaviour(tuple(map(kind, range(calls))), tokens, _quantity(bound))


def _quantity(bound: Bound) -> Quantity:
    """What the space holds outputs as; epsilon where it can."""
    return "epsilon" if contains(bound.domain("forecast.quantity"), "epsilon") else "output"


def spread(encoder: Encoder, context: SpaceContext, count: int) -> tuple[Params, ...]:
    """Up to ``count`` different encoded uniform runs, about evenly spread over log cost.

    From mild to extreme; depths and ratios take turns.
    """
    left = _starts(encoder, context)
    if not left:
        return ()
    slow, fast = max(start.cost for start in left), min(start.cost for start in left)
    turns = [turn for turn in TURNS if any(start.turn == turn for start in left)] or [(0, 0.0)]
    chosen: list[Start] = []
    count = min(count, len(left))
    for index in range(count):
        wanted = fast + (slow - fast) * index / max(count - 1, 1)
        turn = turns[index % len(turns)]
        best = min(left, key=lambda own: abs(own.cost - wanted) + STRAY * (own.turn != turn))
        left.remove(best)
        chosen.append(best)
    return tuple(own.params for own in sorted(chosen, key=lambda own: -own.cost))


def _starts(encoder: Encoder, context: SpaceContext) -> list[Start]:
    found: list[Start] = []
    for ratio in RATIOS:
        for interval, depth in PATTERNS:
            if interval > 2 and math.ceil(context.calls / interval) < FEWEST:
                continue
            params = encoder(interval, depth, ratio, context)
            if params is not None and all(params != start.params for start in found):
                cost = _cost(context, interval, depth, ratio)
                found.append(Start((depth, ratio), cost, params))
    return found


def _cost(context: SpaceContext, interval: int, depth: int, ratio: float) -> float:
    """Log of a run's cost by a rule of thumb, only to order the starts before any measurement.

    A depth costs its share of the skip branches and pruning 0.7 saves a sixth, about what was
    measured on SD 1.5.
    """
    full = math.ceil(context.calls / interval)
    share = depth / context.topology.skip_branches
    return math.log((full + (context.calls - full) * share) * (1 - ratio / 4))


def covered(
    starts: Sequence[Params],
    parameters: Sequence[Parameter],
    decode: Callable[[Params], Schedule],
) -> tuple[Params, ...]:
    """``starts``, with each parameter that is the same in all of them changed in one.

    Every second start stays uniform, the fastest among them; the others take turns.
    """
    found = list(starts)
    turns = list(range(len(found)))[-2::-2]
    for own in parameters:
        if len({start[own.name] for start in found}) != 1:
            continue
        for place in turns:
            start = found[place]
            changed = {**start, own.name: _another(own, start[own.name])}
            if changed not in found and decode(changed) != decode(start):
                found[place] = changed
                turns.remove(place)
                turns.append(place)
                break
    return tuple(found)


def _another(parameter: Parameter, value: Value) -> Value:
    """The next choice, or the number halfway to the further end of a range."""
    domain = parameter.domain
    if isinstance(domain, Choice) or isinstance(value, str):
        values = domain.values
        return values[(values.index(value) + 1) % len(values)]
    further = max(map(float, domain.ends), key=lambda end: abs(end - value))
    return nearest(domain, (value + further) / 2)
