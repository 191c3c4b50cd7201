"""Finds the refresh parameters of a space that put the full calls where a run has them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import zip_longest

from search.space.bind import Bound
from search.space.decode import full_calls
from search.space.domains import Value, nearest, smallest

Values = dict[str, Value]
Places = tuple[int, ...]


def refresh_of(bound: Bound, target: Places) -> Values:
    """Values of the live refresh parameters that give the full calls ``target``.

    Where the space has none that do, those whose full calls are closest, of the values looked at.
    """
    names = [own.name for own in bound.parameters if own.name.startswith("refresh.")]
    best: tuple[tuple[int, int], Values] | None = None
    for values in _candidates(bound, target):
        gap = _gap(full_calls(bound, values), target)
        if best is None or gap < best[0]:
            best = (gap, {name: values[name] for name in names})
        if gap == (0, 0):
            break
    return {} if best is None else best[1]


def _candidates(bound: Bound, target: Places) -> Iterator[Values]:
    """Values worth a look: first those that solve the rule exactly, if there are any."""
    rule, calls = bound.spec.rule, bound.context.calls
    if rule == "planned":
        yield {"refresh.full_calls": nearest(bound.domain("refresh.full_calls"), len(target))}
    elif rule == "drift":
        yield from _thresholds(bound, target)
    else:
        wanted = bound.domain("refresh.interval").values
        right = [own for own in wanted if math.ceil(calls / int(own)) == len(target)]
        for interval in right or wanted:
            yield from _biases(bound, interval, target)


def _biases(bound: Bound, interval: Value, target: Places) -> Iterator[Values]:
    """Even full calls, or the smallest bias that moves no full call behind its target."""
    domain = bound.domain("refresh.bias")

    def values(bias: Value) -> Values:
        return {"refresh.interval": interval, "refresh.bias": bias}

    def early(bias: float) -> bool:
        places = full_calls(bound, values(bias))
        return all(place <= wanted for place, wanted in zip(places, target, strict=False))

    yield values(nearest(domain, 1.0))
    yield from _solved(smallest(domain, early), values)


def _thresholds(bound: Bound, target: Places) -> Iterator[Values]:
    """The smallest threshold that puts no full call before its target, then all others."""
    domain, beyond = bound.domain("refresh.threshold"), bound.context.calls

    def values(threshold: Value) -> Values:
        return {"refresh.threshold": threshold}

    def late(threshold: float) -> bool:
        places = full_calls(bound, values(threshold))
        pairs = zip_longest(places, target, fillvalue=beyond)
        return all(place >= wanted for place, wanted in pairs)

    yield from _solved(smallest(domain, late), values)
    for value in domain.values:
        yield values(value)


def _solved(value: Value | None, values: Callable[[Value], Values]) -> Iterator[Values]:
    if value is not None:
        yield values(value)


def _gap(places: Places, target: Places) -> tuple[int, int]:
    """How far apart the full calls of two runs are: in number, then in calls."""
    apart = sum(abs(one - other) for one, other in zip(places, target, strict=False))
    return (abs(len(places) - len(target)), apart)
