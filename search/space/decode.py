"""Turns parameter values into a schedule with readable kind names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from dato import Kind, Schedule, Tokens
from dato.schedule import Depth, Forecast
from search.space.bind import Bound
from search.space.domains import Value
from search.space.full_calls import by_drift, by_interval, reused
from search.space.language import TOKENS


def decode(bound: Bound, values: Mapping[str, Value]) -> Schedule:
    """The schedule of ``values`` (see :meth:`Bound.complete`).

    Equal behaviour gives equal schedules: ratios of layers that a kind does not run and ratios
    of 0 are dropped, layers of a level with one ratio are written as the level, and a schedule
    that prunes nothing has the default token selection.
    """
    kinds = _chosen(bound, values) if bound.spec.rule == "per_call" else _placed(bound, values)
    names = name_kinds(kinds)
    steps = tuple(names[kind] for kind in kinds)
    pruned = any(kind.prune for kind in kinds)
    tokens = tokens_of(bound, values) if pruned else Tokens()
    weights = bound.context.weights(
        [kind.depth for kind in kinds], [kind.forecast for kind in kinds]
    )
    return Schedule({names[kind]: kind for kind in kinds}, steps, tokens, weights)


def tokens_of(bound: Bound, values: Mapping[str, Value]) -> Tokens:
    """The token selection of ``values``."""
    given = {key: values[f"tokens.{key}"] for key in TOKENS if f"tokens.{key}" in values}
    return Tokens(patch=bound.spec.patch, **given)  # type: ignore[arg-type]


def full_calls(bound: Bound, values: Mapping[str, Value]) -> tuple[int, ...]:
    """Numbers of the full calls, the first always 0 (all rules but per_call)."""
    context = bound.context
    if bound.spec.rule == "drift":
        return by_drift(context.drift, float(values["refresh.threshold"]))
    if bound.spec.rule == "planned":
        return context.placed(context.calls, int(values["refresh.full_calls"]))
    interval, bias = int(values["refresh.interval"]), float(values["refresh.bias"])
    return by_interval(context.calls, interval, bias)


def _placed(bound: Bound, values: Mapping[str, Value]) -> list[Kind]:
    context = bound.context
    full = set(full_calls(bound, values))
    cached = [call for call in range(context.calls) if call not in full]
    reuse = reused(cached, context.drift, float(values["cached.reuse"]))
    depth = int(values["cached.depth"])
    kinds = {
        "full": make_kind(bound, "full", Kind(), 0, values),
        "cached": make_kind(bound, "cached", Kind(depth), 1, values),
        "reuse": make_kind(bound, "cached", Kind(0), 1, values),
    }
    names = (
        "full" if c in full else "reuse" if c in reuse else "cached" for c in range(context.calls)
    )
    return [kinds[name] for name in names]


def _chosen(bound: Bound, values: Mapping[str, Value]) -> list[Kind]:
    calls = bound.context.calls
    shared = values.get("calls.depth", "full")
    width = max(2, len(str(calls - 1)))
    kinds = []
    for call in range(calls):
        depth = "full" if call == 0 else values.get(f"calls.depth.{call:0{width}d}", shared)
        bare = Kind("full" if depth == "full" else int(depth))
        kinds.append(make_kind(bound, "calls", bare, call, values))
    return kinds


def make_kind(bound: Bound, group: str, bare: Kind, call: int, values: Mapping[str, Value]) -> Kind:
    """``bare`` with the ratios of ``group`` at ``call``, in its shortest form."""
    topology, calls = bound.context.topology, bound.context.calls
    sites = bound.sites[group]
    prune: dict[str, float] = {}
    for level in topology.levels:
        ratios = {
            layer.name: float(values[sites[layer.name].at(call, calls)])
            if layer.name in sites
            else 0.0
            for layer in topology.layers
            if layer.level == level and topology.runs(layer, bare)
        }
        if len(set(ratios.values())) == 1:
            ratios = {f"level_{level}": next(iter(ratios.values()))}
        prune |= {name: ratio for name, ratio in ratios.items() if ratio > 0}
    return Kind(bare.depth, prune, forecast_of(bare.depth, values))


def forecast_of(depth: Depth, values: Mapping[str, Value]) -> Forecast:
    """What calls of a depth forecast."""
    if depth == "full":
        return "hold"
    name = values["forecast.output" if depth == 0 else "forecast.cut"]
    return next(known for known in get_args(Forecast) if known == name)


def name_kinds(kinds: Sequence[Kind]) -> dict[Kind, str]:
    """A name for each distinct kind: full, cached, reuse or forecast, with a suffix for twins.

    The suffix is the depth of a cached kind and the ratio in percent, such as
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
    if kind.depth:
        return "cached"
    return "reuse" if kind.forecast == "hold" else "forecast"
