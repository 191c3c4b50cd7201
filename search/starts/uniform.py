"""Writes uniform starts: a full call every few calls, and one depth in between."""

from __future__ import annotations

from collections.abc import Sequence

from dato.schedule import Forecast
from search.space.between import widest
from search.space.bind import Bound
from search.space.domains import Value, contains
from search.space.full_calls import by_drift
from search.starts.calls import depths, ratios
from search.starts.writing import NotInSpaceError, Params, written

MOVED = ("drift", "planned")
"""Rules that place full calls unevenly: there the closest start stands for a uniform one."""

OUTPUT: tuple[Forecast, ...] = ("linear", "fitted", "hold")
CUT: tuple[Forecast, ...] = ("fitted", "linear", "hold")
"""Forecasts, the best first, as measured on pocket (``experiments/forecast``)."""


def unpatched(bound: Bound) -> Params:
    """Parameters of a run of full calls.

    Raises:
        NotInSpaceError: every schedule of the space caches.
    """
    full = range(bound.context.calls)
    return written(bound, _refresh(bound, 1, full) | depths(bound, full, 0))


def uniform(bound: Bound, interval: int, depth: int, ratio: float) -> Params:
    """Parameters of a full call every ``interval`` calls, and ``depth`` in between.

    The space's best forecast stands in for what is not computed, and ``ratio`` is pruned on the
    finest level with self-attention. The space's ranges are as wide as they can be.

    Args:
        interval: 2 or more.

    Raises:
        NotInSpaceError: it has no such schedule. A rule that cannot promise even spacing takes the
            closest instead.
    """
    context, topology = bound.context, bound.context.topology
    cached = widest("cached", bound.spec.entries, context.calls)
    full = [call for call in range(context.calls) if call % interval == 0 or call not in cached]
    wanted = _forecast(bound, depth) | _refresh(bound, interval, full) | depths(bound, full, depth)
    if ratio:
        finest = [layer for layer in topology.layers if layer.level == context.finest]
        pruned = ratios(bound, full, depth, ratio, finest)
        if not pruned:
            raise NotInSpaceError(f"nothing prunes level_{context.finest}")
        wanted |= pruned
    return written(bound, wanted, closest=bound.spec.rule in MOVED)


def _forecast(bound: Bound, depth: int) -> Params:
    """The best forecast of what calls of a depth stand on."""
    name, best = ("forecast.cut", CUT) if depth else ("forecast.output", OUTPUT)
    domain = bound.domain(name)
    return {name: next(forecast for forecast in best if contains(domain, forecast))}


def _refresh(bound: Bound, interval: int, full: Sequence[int]) -> Params:
    """Where the full calls are, by the rule of the space; per_call says it with depths."""
    if bound.spec.rule == "planned":
        return {"refresh.full_calls": len(full)}
    if bound.spec.rule == "interval":
        return {"refresh.interval": interval}
    return {"refresh.threshold": _threshold(bound, full)} if bound.spec.rule == "drift" else {}


def _threshold(bound: Bound, full: Sequence[int]) -> Value:
    """The threshold whose full calls are closest: in number, then in place."""
    context, domain = bound.context, bound.domain("refresh.threshold")
    cached = widest("cached", bound.spec.entries, context.calls)

    def apart(threshold: Value) -> tuple[int, int]:
        places = by_drift(context.drift, float(threshold), cached)
        moved = sum(abs(one - other) for one, other in zip(places, full, strict=False))
        return abs(len(places) - len(full)), moved

    best = min(domain.values, key=apart)
    if len(full) == context.calls and apart(best) != (0, 0):
        raise NotInSpaceError("every threshold leaves out a call")
    return best
