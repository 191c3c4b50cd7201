"""Turns parameter values into a schedule with readable kind names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import get_args

from dato import Kind, Schedule, Slope, Tokens
from dato.schedule import Depth, Forecast, Quantity
from search.space.between import inside
from search.space.bind import Bound
from search.space.domains import Value
from search.space.full_calls import by_drift, by_interval, outside, reused
from search.space.language import SLOPE, TOKENS
from search.space.lines import without_idle_lines
from search.space.parameters import at_call

HELD = Slope(0.0, 0.0)
"""Holds the newest output at every call."""


def decode(bound: Bound, values: Mapping[str, Value]) -> Schedule:
    """The schedule of ``values`` (see :meth:`Bound.complete`).

    Equal behaviour gives equal schedules: ratios of layers that a kind does not run and ratios
    of 0 are dropped, layers of a level with one ratio are written as the level, a schedule that
    prunes nothing has the default token selection, and straight lines that no call has two values
    for, or that go nowhere, are held values.
    """
    kinds = kinds_of(bound, values)
    names, weights = name_kinds(kinds), bound.context.weights
    depths, forecasts = [kind.depth for kind in kinds], [kind.forecast for kind in kinds]
    return Schedule(
        {names[kind]: kind for kind in kinds},
        tuple(names[kind] for kind in kinds),
        tokens_of(bound, values) if any(kind.prune for kind in kinds) else Tokens(),
        {} if weights is None else weights(depths, forecasts),
        quantity_of(values),
    ).sloped(slope_of(values))


def kinds_of(bound: Bound, values: Mapping[str, Value]) -> list[Kind]:
    """What each call of a run of ``values`` does."""
    kinds = _chosen(bound, values) if bound.spec.rule == "per_call" else _placed(bound, values)
    ranged = any(name.startswith("between.forecast.") for name in values)
    return without_idle_lines(limited(kinds, values), each_call=ranged)


def limited(kinds: Sequence[Kind], values: Mapping[str, Value]) -> list[Kind]:
    """``kinds`` without what the ranges of pruning and forecasting leave out."""
    prune = inside("prune", values, len(kinds))
    forecast = inside("forecast", values, len(kinds))
    decoded = list(kinds)
    for call, kind in enumerate(kinds):
        if kind.prune and call not in prune:
            decoded[call] = replace(decoded[call], prune={})
        if kind.forecast != "hold" and call not in forecast:
            decoded[call] = replace(decoded[call], forecast="hold")
    return decoded


def tokens_of(bound: Bound, values: Mapping[str, Value]) -> Tokens:
    """The token selection of ``values``."""
    given = {key: values[f"tokens.{key}"] for key in TOKENS if f"tokens.{key}" in values}
    return Tokens(patch=bound.spec.patch, **given)  # type: ignore[arg-type]


def quantity_of(values: Mapping[str, Value]) -> Quantity:
    """What outputs are held as."""
    return next(each for each in get_args(Quantity) if each == values["forecast.quantity"])


def slope_of(values: Mapping[str, Value]) -> Slope:
    """How far along their lines outputs go."""
    return Slope(*(float(values[f"forecast.slope.{end}"]) for end in SLOPE))


def forecast_of(depth: Depth, values: Mapping[str, Value]) -> Forecast:
    """What calls of a depth forecast. Outputs that go no way along their lines are held."""
    if depth == "full":
        return "hold"
    if depth == 0 and values["forecast.output"] == "linear" and slope_of(values) == HELD:
        return "hold"
    wanted = values["forecast.output" if depth == 0 else "forecast.cut"]
    return next(each for each in get_args(Forecast) if each == wanted)


def full_calls(bound: Bound, values: Mapping[str, Value], cached: range) -> tuple[int, ...]:
    """Numbers of the full calls, the first always 0 (all rules but per_call).

    Args:
        cached: calls that need not be full.
    """
    context = bound.context
    if bound.spec.rule == "drift":
        return by_drift(context.drift, float(values["refresh.threshold"]), cached)
    if bound.spec.rule == "planned":
        holds = forecast_of(0, values) == "hold"
        return context.placed(context.calls, int(values["refresh.full_calls"]), cached, holds)
    interval, bias = int(values["refresh.interval"]), float(values["refresh.bias"])
    places = by_interval(context.calls, interval, bias)
    return tuple(sorted(outside(context.calls, cached).union(places)))


def _placed(bound: Bound, values: Mapping[str, Value]) -> list[Kind]:
    context = bound.context
    full = set(full_calls(bound, values, inside("cached", values, context.calls)))
    cached = [call for call in range(context.calls) if call not in full]
    reuse = reused(cached, context.drift, float(values["cached.reuse"]))
    kinds = {
        "full": make_kind(bound, "full", "full", 0, values),
        "cached": make_kind(bound, "cached", int(values["cached.depth"]), 1, values),
        "reuse": make_kind(bound, "cached", 0, 1, values),
    }
    names = (
        "full" if c in full else "reuse" if c in reuse else "cached" for c in range(context.calls)
    )
    return [kinds[name] for name in names]


def _chosen(bound: Bound, values: Mapping[str, Value]) -> list[Kind]:
    calls = bound.context.calls
    shared = values.get("calls.depth", "full")
    full = outside(calls, inside("cached", values, calls))
    kinds = []
    for call in range(calls):
        depth = "full" if call in full else values.get(at_call("calls.depth", call, calls), shared)
        wanted: Depth = "full" if depth == "full" else int(depth)
        kinds.append(make_kind(bound, "calls", wanted, call, values))
    return kinds


def make_kind(
    bound: Bound, group: str, depth: Depth, call: int, values: Mapping[str, Value]
) -> Kind:
    """The kind of ``depth`` with the ratios of ``group`` at ``call``, in its shortest form."""
    topology, calls = bound.context.topology, bound.context.calls
    entries, bare = bound.pruned[group], Kind(depth)
    prune: dict[str, float] = {}
    for level in topology.levels:
        ratios = {
            layer.name: float(values[entries[layer.name].at(call, calls)])
            if layer.name in entries
            else 0.0
            for layer in topology.layers
            if layer.level == level and topology.runs(layer, bare)
        }
        if len(set(ratios.values())) == 1:
            ratios = {f"level_{level}": next(iter(ratios.values()))}
        prune |= {name: ratio for name, ratio in ratios.items() if ratio > 0}
    return Kind(depth, prune, forecast_of(depth, values))


def name_kinds(kinds: Sequence[Kind]) -> dict[Kind, str]:
    """A name for each distinct kind, such as full, cached, reuse or linear.

    Where it repeats, a suffix says the depth of a cached kind and the ratio in percent, such as
    ``"cached-2-p30"``, and a number after it where two kinds would still read the same.
    """
    distinct = list(dict.fromkeys(kinds))
    bases = {kind: _base(kind) for kind in distinct}
    names: dict[Kind, str] = {}
    for kind in distinct:
        name = bases[kind]
        if sum(base == name for base in bases.values()) > 1:
            depth = "" if kind.depth == "full" else f"-{kind.depth}"
            percents = "".join(f"-p{100 * ratio:g}" for ratio in dict.fromkeys(kind.prune.values()))
            name = f"{name}{depth}{percents}"
        twins = sum(other == name or other.startswith(f"{name}#") for other in names.values())
        names[kind] = f"{name}#{twins + 1}" if twins else name
    return names


def _base(kind: Kind) -> str:
    if kind.depth == "full":
        return "full"
    if kind.forecast == "hold":
        return "cached" if kind.depth else "reuse"
    return f"cached-{kind.forecast}" if kind.depth else kind.forecast
