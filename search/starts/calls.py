"""What the calls of a start compute and prune, as parameters of a space."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from dato import Kind, Layer
from search.space.between import widest
from search.space.bind import Bound
from search.space.domains import contains, nearest
from search.space.full_calls import reuses
from search.space.parameters import at_call
from search.starts.writing import NotInSpaceError, Params


def depths(bound: Bound, full: Collection[int], depth: int) -> Params:
    """Depths of a run whose calls but ``full`` have one depth.

    Under the rule ``per_call`` this says which calls are full, too.

    Raises:
        NotInSpaceError: the space has one depth for all calls.
    """
    calls = bound.context.calls
    if bound.spec.rule != "per_call":
        return _between(bound, calls - len(full), depth) if len(full) < calls else {}
    entry = bound.spec.entry("calls.depth")
    if entry is not None and entry.per is None:
        if len(full) not in (1, calls):
            raise NotInSpaceError("calls.depth is one for all calls")
        return {"calls.depth": "full" if len(full) == calls else depth}
    names = {at_call("calls.depth", call, calls): call for call in range(1, calls)}
    return {
        name: "full" if names[name] in full else depth for name in _live(bound) if name in names
    }


def _between(bound: Bound, cached: int, depth: int) -> Params:
    """The depth of ``cached`` calls, and the share of them that have depth 0 instead."""
    known = bound.domain("cached.depth")
    if depth == 0 and contains(known, 0):
        return {"cached.depth": 0}
    share, wanted = (0.0, 0) if depth else (1.0, cached)
    fitting = [
        float(value)
        for value in bound.domain("cached.reuse").values
        if reuses(cached, float(value)) == wanted
    ]
    share = min(fitting, key=lambda value: abs(value - share), default=share)
    return {"cached.depth": depth or nearest(known, 1), "cached.reuse": share}


def ratios(
    bound: Bound, full: Collection[int], depth: int, ratio: float, layers: Iterable[Layer]
) -> Params:
    """``ratio`` for each of ``layers`` wherever a call computes it and the space may prune it."""
    context, live, wanted = bound.context, _live(bound), Params()
    layers = tuple(layers)
    for call in widest("prune", bound.spec.entries, context.calls):
        kind = Kind() if call in full else Kind(depth)
        for layer in layers:
            entry = bound.pruned[_group(bound, kind)].get(layer.name)
            name = "" if entry is None else entry.at(call, context.calls)
            if name in live and context.topology.runs(layer, kind):
                wanted[name] = ratio
    return wanted


def _group(bound: Bound, kind: Kind) -> str:
    """Under which name a space keeps the ratios of a kind."""
    if bound.spec.rule == "per_call":
        return "calls"
    return "full" if kind.depth == "full" else "cached"


def _live(bound: Bound) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in bound.parameters)
