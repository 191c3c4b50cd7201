"""Which names of a space can change the schedule of a run, and with which values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dato import Kind, Layer
from search.space.between import RANGED, place, widest
from search.space.context import SpaceContext
from search.space.domains import Choice, Domain, IntRange, contains
from search.space.full_calls import outside
from search.space.language import SpaceSpec
from search.space.parameters import at_call
from search.space.prune_entries import PruneEntry

Item = tuple[str, Domain, bool]
"""A name, its domain, and whether it can change the schedule."""

LINES = ("forecast.output", "forecast.cut")
"""Names of what may be forecast on a straight line."""

Pruned = Mapping[str, Mapping[str, PruneEntry]]
"""Where each layer's ratio comes from, by group of calls and layer name."""


def dimensions(spec: SpaceSpec, context: SpaceContext, pruned: Pruned) -> Iterator[Item]:
    """Every name of a space, in a fixed order."""
    prunes = len(widest("prune", spec.entries, context.calls)) > 0 and any(
        max(map(float, entry.domain.ends)) != 0
        for layers in pruned.values()
        for entry in layers.values()
    )
    yield from _plain(spec, context, "refresh.", "cached.", "calls.", "forecast.")
    yield from _ratios(spec, context, pruned)
    for name, domain, _ in _plain(spec, context, "tokens."):
        yield name, domain, prunes
    yield from _ends(spec, context.calls, prunes)


def used(spec: SpaceSpec, name: str) -> bool:
    """Whether calls may forecast what ``name`` is about: a cut, or the output."""
    depths, reuse = spec.depth, spec.entry("cached.reuse")
    if name == "forecast.cut":
        return any(isinstance(depth, int) and depth > 0 for depth in depths.ends)
    return contains(depths, 0) or (reuse is not None and max(map(float, reuse.domain.ends)) > 0)


def _plain(spec: SpaceSpec, context: SpaceContext, *prefixes: str) -> Iterator[Item]:
    """Entries other than pruning and ranges."""
    calls = context.calls
    cached = set(range(calls)) - outside(calls, widest("cached", spec.entries, calls))
    forecast = cached.intersection(widest("forecast", spec.entries, calls))
    for name, entry in spec.entries:
        domain = entry.domain
        if not name.startswith(prefixes):
            continue
        if entry.per == "call":
            for call in range(1, calls):
                yield at_call(name, call, calls), domain, call in cached
            continue
        if name in ("refresh.interval", "refresh.full_calls"):
            fewest = calls - len(cached) if name == "refresh.full_calls" else 1
            domain = _reachable(domain, fewest, calls)
        needed = 3 if name == "refresh.bias" else 2
        slope = name.startswith("forecast.slope.")
        if slope or (name in LINES and not contains(domain, "fitted")):
            needed = 3  # a straight line needs two values
        reached = len(forecast if slope or name in LINES else cached) > 0
        meant = not name.startswith("forecast.") or used(spec, name)
        meant = meant and (not slope or draws_lines(spec))
        yield name, domain, calls >= needed and reached and meant


def draws_lines(spec: SpaceSpec) -> bool:
    """Whether outputs may be forecast on a straight line."""
    entry = spec.entry("forecast.output")
    return entry is not None and contains(entry.domain, "linear")


def _reachable(domain: Domain, fewest: int, calls: int) -> Domain:
    """Intervals, or numbers of full calls, without those beyond the run.

    Of those up to the ``fewest`` full calls, which all mean the same, one is left.
    """
    if isinstance(domain, IntRange):
        return domain.up_to(calls).down_to(fewest)
    if isinstance(domain, Choice):
        numbers = (max(min(int(value), calls), fewest) for value in domain.values)
        return Choice(tuple(dict.fromkeys(numbers)))
    return domain


def _ratios(spec: SpaceSpec, context: SpaceContext, pruned: Pruned) -> Iterator[Item]:
    """Ratios, which matter where some call that may prune runs the layer."""
    calls, topology = context.calls, context.topology
    kinds = [Kind("full" if isinstance(depth, str) else int(depth)) for depth in spec.depth.values]
    pruning = widest("prune", spec.entries, calls)
    full = outside(calls, widest("cached", spec.entries, calls))

    def runs(group: str, layer: Layer, call: int) -> bool:
        if call not in pruning:
            return False
        if group == "full" or call in full:
            return group != "cached"
        return any(topology.runs(layer, kind) for kind in kinds)

    for group, entries in pruned.items():
        for layer in topology.layers:
            entry = entries.get(layer.name)
            for call in range(calls) if entry is not None else ():
                if entry is not None:
                    yield entry.at(call, calls), entry.domain, runs(group, layer, call)


def _ends(spec: SpaceSpec, calls: int, prunes: bool) -> Iterator[Item]:
    """Ends of ranges, which matter where their values are different calls."""
    forecasts = any(
        used(spec, name) and set(entry.domain.values) != {"hold"}
        for name, entry in spec.entries
        if name in LINES
    )
    limits = {"cached": True, "prune": prunes, "forecast": forecasts}
    for what in RANGED:
        earliest = 0 if what == "prune" else 1  # the first call is full anyway
        for name, entry in spec.entries:
            if name.startswith(f"between.{what}."):
                shares = map(float, entry.domain.values)
                places = {max(place(share, calls), earliest) for share in shares}
                yield name, entry.domain, limits[what] and len(places) > 1
