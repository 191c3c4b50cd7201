"""Finds the parameters of a space that decode to a given run: warm starts need them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping

from dato import Kind, Tokens
from dato.schedule import Forecast
from search.space.behaviour import Behaviour
from search.space.between import inside
from search.space.bind import Bound
from search.space.decode import behaviour, tokens_of
from search.space.domains import Value, contains, nearest, smallest
from search.space.full_calls import reuses
from search.space.language import SLOPE
from search.space.parameters import at_call
from search.space.ranges import narrowest_ranges, widest_ranges
from search.space.refresh import refresh_of
from search.space.slopes import Slopes

Values = dict[str, Value]


def encode(bound: Bound, wanted: Behaviour, *, closest: bool = False) -> Values | None:
    """Parameters that decode to what ``wanted`` does; whatever the space decodes has some.

    Args:
        closest: give the closest found instead of ``None`` where the space lacks the run.
    """
    if len(wanted.kinds) != bound.context.calls:
        return None
    known = _tokens(wanted.tokens) | _ratios(bound, wanted) | _forecasts(bound, wanted)
    known |= _depths(wanted) if bound.spec.rule == "per_call" else _cached(bound, wanted)
    for ranges in _ranges(bound, wanted):
        params = _completed(bound, wanted, known | ranges)
        if closest or _does(bound, params, wanted):
            return params
    return None


def _ranges(bound: Bound, wanted: Behaviour) -> Iterator[Values]:
    """Ends worth a look: the widest ranges, which most runs have, and those that always do."""
    widest = widest_ranges(bound)
    yield widest
    if widest:
        yield narrowest_ranges(bound, wanted)


def _completed(bound: Bound, wanted: Behaviour, known: Values) -> Values:
    """Values of all parameters: the ``known`` ones, those of the refresh rule, or any."""
    if bound.spec.rule != "per_call":
        cached = inside("cached", {**bound.constants, **known}, len(wanted.kinds))
        known = known | refresh_of(bound, wanted.full, cached)
    return {
        own.name: nearest(own.domain, known.get(own.name, own.domain.ends[0]))
        for own in bound.parameters
    }


def _does(bound: Bound, params: Values, wanted: Behaviour) -> bool:
    found = behaviour(bound, bound.complete(params))
    return found.same_as(wanted, bound.context.topology)


def usual_tokens(bound: Bound) -> Tokens:
    """The space's token selection closest to the default one."""
    own = {own.name: own.domain for own in bound.parameters}
    usual = _tokens(Tokens())
    drawn = {name: nearest(own[name], value) for name, value in usual.items() if name in own}
    return tokens_of(bound, {**bound.constants, **drawn})


def _tokens(tokens: Tokens) -> Values:
    return {
        "tokens.protect": tokens.protect,
        "tokens.dynamics_weight": tokens.dynamics_weight,
        "tokens.noise_weight": tokens.noise_weight,
        "tokens.share": tokens.share,
    }


def _depths(wanted: Behaviour) -> Values:
    """Depths under the rule per_call, of every call and of all calls as one."""
    calls, depths = len(wanted.kinds), wanted.depths
    found: Values = {"calls.depth": next((own for own in depths if own != "full"), "full")}
    return found | {at_call("calls.depth", call, calls): depths[call] for call in range(1, calls)}


def _cached(bound: Bound, wanted: Behaviour) -> Values:
    """Depth of the calls between full ones, and the share of them that have depth 0 instead."""
    depths = [depth for depth in wanted.depths if depth != "full"]
    deeper = [depth for depth in depths if depth]
    if depths and not deeper and contains(bound.domain("cached.depth"), 0):
        return {"cached.depth": 0}
    depth = max(set(deeper), key=deeper.count) if deeper else 1
    return {"cached.depth": depth, "cached.reuse": _share(bound, depths.count(0), len(depths))}


def _share(bound: Bound, count: int, cached: int) -> Value:
    """The share of ``cached`` calls that makes ``count`` of them reuse; close to it, or least."""
    domain = bound.domain("cached.reuse")
    usual = nearest(domain, count / cached if cached else 0.0)
    if reuses(cached, float(usual)) == count:
        return usual
    found = smallest(domain, lambda share: reuses(cached, share) >= count)
    return usual if found is None else found


def _forecasts(bound: Bound, wanted: Behaviour) -> Values:
    """What calls of depth 0 and deeper ones forecast, and what outputs are held as."""
    pairs = list(zip(wanted.depths, wanted.forecasts(), strict=True))
    outputs = {forecast for depth, forecast in pairs if depth == 0}
    cuts = {forecast for depth, forecast in pairs if depth not in (0, "full")}
    return {
        "forecast.output": _forecast(bound, "forecast.output", outputs),
        "forecast.cut": _forecast(bound, "forecast.cut", cuts),
        "forecast.quantity": wanted.quantity,
        **_slopes(bound, wanted, outputs),
    }


def _slopes(bound: Bound, wanted: Behaviour, outputs: Collection[Forecast]) -> Values:
    """How far along their lines outputs go. Where only lines can be drawn, a hold is one of 0."""
    early, late = (f"forecast.slope.{end}" for end in SLOPE)
    lines = wanted.shares()
    if not lines:
        held = outputs and not contains(bound.domain("forecast.output"), "hold")
        return {early: 0.0, late: 0.0} if held else {early: 1.0, late: 1.0}
    calls, best = len(wanted.kinds), (math.inf, wanted.slopes)
    for first in (wanted.slopes.early, *map(float, bound.domain(early).values)):
        start = float(nearest(bound.domain(early), first))
        end = float(nearest(bound.domain(late), _late(lines, start, calls)))
        tried = Slopes(start, end)
        missed = max(abs(tried.at(call, calls) - share) for call, share in lines.items())
        best = min(best, (missed, tried), key=lambda own: own[0])
    return {early: best[1].early, late: best[1].late}


def _late(lines: Mapping[int, float], early: float, calls: int) -> float:
    """The slope at the end with which the last of ``lines`` goes as far as it does."""
    call, share = max(lines.items())
    return early + (share - early) * (calls - 1) / call


def _forecast(bound: Bound, name: str, seen: Iterable[Forecast]) -> Value:
    """A forecast that shows as ``seen``: a straight line through one value shows as a hold."""
    domain = bound.domain(name)
    fitting = [own for own in ("fitted", "linear") if own in seen] or ["hold", "linear"]
    return next((own for own in fitting if contains(domain, own)), domain.ends[0])


def _ratios(bound: Bound, wanted: Behaviour) -> Values:
    """The largest ratio of the layers and calls that take theirs from each name."""
    topology, calls, found = bound.context.topology, len(wanted.kinds), dict[str, Value]()
    ratios: dict[Kind, dict[str, float]] = {kind: topology.ratios(kind) for kind in wanted.kinds}
    for group, entries in bound.pruned.items():
        for call, kind in enumerate(wanted.kinds):
            if group != "calls" and (kind.depth == "full") != (group == "full"):
                continue
            for layer, entry in entries.items():
                name = entry.at(call, calls)
                found[name] = max(float(found.get(name, 0.0)), ratios[kind].get(layer, 0.0))
    return found
