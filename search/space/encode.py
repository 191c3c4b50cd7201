"""Finds the parameters of a space that decode to a given schedule: warm starts need them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from dato import Kind, Schedule, Tokens, Topology
from search.space.bind import Bound
from search.space.decode import decode, full_calls, tokens_of
from search.space.domains import Value, nearest

Values = dict[str, Value]

PLACING = ("refresh.interval", "refresh.threshold", "refresh.full_calls")
"""Parameters that say where the full calls are."""


def encode(bound: Bound, schedule: Schedule, *, closest: bool = False) -> Values | None:
    """Parameters that decode to ``schedule``.

    Args:
        closest: give the closest found instead of ``None`` where the space lacks the schedule.
    """
    if schedule.calls != bound.context.calls:
        return None
    wanted = _tokens(schedule)
    wanted |= _calls(bound, schedule) if bound.spec.rule == "per_call" else _cached(schedule)
    wanted |= _ratios(bound, schedule) | _forecasts(schedule)
    params = {
        own.name: nearest(own.domain, wanted.get(own.name, own.domain.values[0]))
        for own in bound.parameters
    }
    if bound.spec.rule != "per_call":
        params |= _placement(bound, schedule, params)
    found = decode(bound, bound.complete(params))
    return params if closest or same(found, schedule, bound.context.topology) else None


def usual_tokens(bound: Bound) -> Tokens:
    """The space's token selection closest to the default one."""
    usual = _tokens(Schedule.full(1))
    own = {own.name: own.domain for own in bound.parameters}
    drawn = {name: nearest(own[name], value) for name, value in usual.items() if name in own}
    return tokens_of(bound, {**bound.constants, **drawn})


def same(one: Schedule, other: Schedule, topology: Topology) -> bool:
    """Whether both make every call do the same, whatever their kinds are called.

    Weights of fitted forecasts follow from the space, and what outputs are held as is its own.
    """

    def meaning(schedule: Schedule) -> tuple[object, ...]:
        codebook = {
            name: (kind.depth, topology.ratios(kind), kind.forecast)
            for name, kind in schedule.kinds.items()
        }
        pruned = any(ratios for _, ratios, _ in codebook.values())
        return ([codebook[step] for step in schedule.steps], schedule.tokens if pruned else None)

    return meaning(one) == meaning(other)


def _tokens(schedule: Schedule) -> Values:
    tokens = schedule.tokens
    return {
        "tokens.protect": tokens.protect,
        "tokens.dynamics_weight": tokens.dynamics_weight,
        "tokens.noise_weight": tokens.noise_weight,
        "tokens.share": tokens.share,
    }


def _calls(bound: Bound, schedule: Schedule) -> Values:
    width = max(2, len(str(schedule.calls - 1)))
    found: Values = {"calls.depth": schedule.kind(schedule.calls - 1).depth}
    for call in range(1, schedule.calls):
        found[f"calls.depth.{call:0{width}d}"] = schedule.kind(call).depth
    return found


def _cached(schedule: Schedule) -> Values:
    cached = [kind for kind in _kinds(schedule) if kind.depth != "full"]
    depths = Counter(kind.depth for kind in cached if kind.depth)
    if not depths:
        return {"cached.depth": 0, "cached.reuse": 1.0 if cached else 0.0}
    share = sum(kind.depth == 0 for kind in cached) / len(cached)
    return {"cached.depth": depths.most_common(1)[0][0], "cached.reuse": share}


def _forecasts(schedule: Schedule) -> Values:
    """The most frequent forecast of outputs and of cuts."""
    outputs = Counter(kind.forecast for kind in _kinds(schedule) if kind.depth == 0)
    cuts = Counter(kind.forecast for kind in _kinds(schedule) if kind.depth not in (0, "full"))
    found = {"forecast.output": outputs, "forecast.cut": cuts}
    return {name: count.most_common(1)[0][0] for name, count in found.items() if count}


def _kinds(schedule: Schedule) -> list[Kind]:
    return [schedule.kind(call) for call in range(schedule.calls)]


def _ratios(bound: Bound, schedule: Schedule) -> Values:
    """The largest ratio that the schedule gives to the layers and calls of each name."""
    topology, found = bound.context.topology, dict[str, Value]()
    ratios = {kind: topology.ratios(kind) for kind in schedule.kinds.values()}
    for group, sites in bound.sites.items():
        for call, kind in enumerate(_kinds(schedule)):
            if group != "calls" and (kind.depth == "full") != (group == "full"):
                continue
            for layer, site in sites.items():
                name = site.at(call, schedule.calls)
                found[name] = max(float(found.get(name, 0.0)), ratios[kind].get(layer, 0.0))
    return found


def _placement(bound: Bound, schedule: Schedule, params: Mapping[str, Value]) -> Values:
    """The refresh parameters whose full calls are closest to the schedule's."""
    target = [call for call, kind in enumerate(_kinds(schedule)) if kind.depth == "full"]
    best: tuple[tuple[int, int], Values] | None = None
    for option in _options(bound):
        places = full_calls(bound, {**bound.constants, **params, **option})
        apart = sum(abs(a - b) for a, b in zip(places, target, strict=False))
        gap = (abs(len(places) - len(target)), apart)
        if best is None or gap < best[0]:
            best = (gap, option)
        if gap == (0, 0):
            break
    return {} if best is None else best[1]


def _options(bound: Bound) -> Iterator[Values]:
    """Values of the refresh parameters, an even placement first."""
    domains = {own.name: own.domain for own in bound.parameters}
    biases = domains["refresh.bias"].values if "refresh.bias" in domains else (None,)
    for bias in sorted(biases, key=lambda value: abs(float(value or 1.0) - 1.0)):
        option: Values = {} if bias is None else {"refresh.bias": bias}
        placed = [name for name in PLACING if name in domains]
        if not placed:
            yield option
        for name in placed:
            for value in domains[name].values:
                yield {**option, name: value}
