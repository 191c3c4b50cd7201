"""Finds the ends of a space's ranges from what a run caches, prunes and forecasts."""

from __future__ import annotations

from collections.abc import Sequence

from search.space.behaviour import Behaviour
from search.space.between import place
from search.space.bind import Bound
from search.space.domains import Domain, Value, smallest
from search.space.parameters import Parameter


def widest_ranges(bound: Bound) -> dict[str, Value]:
    """Values of the ends that are searched, where the ranges are widest."""
    return {
        own.name: (min if own.name.endswith(".start") else max)(own.domain.values, key=float)
        for own in _searched(bound)
    }


def narrowest_ranges(bound: Bound, wanted: Behaviour) -> dict[str, Value]:
    """Values of the ends that are searched, where the ranges just hold what ``wanted`` does.

    If any ranges decode to a run, these do too: a call that has left a range did nothing in it that
    it does not do outside.
    """
    found, count = dict[str, Value](), len(wanted.kinds)
    limited = _limited(bound, wanted)
    for own in _searched(bound):
        _, what, end = own.name.split(".")
        calls = limited[what]
        if end == "start":
            found[own.name] = _start(own.domain, calls[0] if calls else count, count)
        else:
            found[own.name] = _end(own.domain, calls[-1] + 1 if calls else 0, count)
    return found


def _searched(bound: Bound) -> list[Parameter]:
    return [own for own in bound.parameters if own.name.startswith("between.")]


def _limited(bound: Bound, wanted: Behaviour) -> dict[str, Sequence[int]]:
    """The calls that show that they are in each range."""
    kinds, forecasts = wanted.kinds, wanted.forecasts()
    ratios = {kind: bound.context.topology.ratios(kind) for kind in set(kinds)}
    return {
        "cached": [call for call, kind in enumerate(kinds) if kind.depth != "full"],
        "prune": [call for call, kind in enumerate(kinds) if any(ratios[kind].values())],
        "forecast": [call for call, forecast in enumerate(forecasts) if forecast != "hold"],
    }


def _start(domain: Domain, latest: int, calls: int) -> Value:
    """The start that is as late as it may be, or else the earliest."""
    for wanted in range(latest, 0, -1):
        value = _first_at(domain, wanted, calls)
        if value is not None and place(float(value), calls) <= latest:
            return value
    return min(domain.values, key=float)


def _end(domain: Domain, earliest: int, calls: int) -> Value:
    """The end that is as early as it may be, or else the latest."""
    value = _first_at(domain, earliest, calls)
    return max(domain.values, key=float) if value is None else value


def _first_at(domain: Domain, call: int, calls: int) -> Value | None:
    return smallest(domain, lambda share: place(share, calls) >= call)
