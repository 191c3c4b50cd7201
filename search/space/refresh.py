"""Finds the refresh parameters of a space that put the full calls where a run has them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import zip_longest

from search.space.bind import Bound
from search.space.decode import full_calls
from search.space.domains import Value, nearest, smallest
from search.space.full_calls import by_interval

Values = dict[str, Value]
Places = tuple[int, ...]


def refresh_of(bound: Bound, target: Places, cached: range) -> Values:
    """Values of the live refresh parameters that give the full calls ``target``.

    Where the space has none that do, those whose full calls are closest, of the values looked at.

    Args:
        cached: calls that need not be full; all others are in ``target``.
    """
    names = [own.name for own in bound.parameters if own.name.startswith("refresh.")]
    best: tuple[tuple[int, int], Values] | None = None
    for values in _candidates(bound, target, cached):
        gap = _gap(full_calls(bound, values, cached), target)
        if best is None or gap < best[0]:
            best = (gap, {name: values[name] for name in names})
        if gap == (0, 0):
            break
    return {} if best is None else best[1]


def _candidates(bound: Bound, target: Places, cached: range) -> Iterator[Values]:
    """Values worth a look: first those that solve the rule exactly, if there are any."""
    if bound.spec.rule == "planned":
        domain = bound.domain("refresh.full_calls")
        for count in (nearest(domain, len(target)), min(map(int, domain.ends))):
            yield {"refresh.full_calls": count}  # one that is too low stands for the fewest
    elif bound.spec.rule == "drift":
        yield from _thresholds(bound, target, cached)
    else:
        for interval in bound.domain("refresh.interval").values:
            yield from _biases(bound, int(interval), target, cached)


def _biases(bound: Bound, interval: int, target: Places, cached: range) -> Iterator[Values]:
    """Even full calls, or the smallest bias that moves none behind its target.

    Of the places that an interval has, those inside ``cached`` are seen, one after another.
    """
    domain, calls = bound.domain("refresh.bias"), bound.context.calls
    seen = [call for call in target if call in cached]
    hidden = math.ceil(calls / interval) - len(seen)

    def values(bias: Value) -> Values:
        return {"refresh.interval": interval, "refresh.bias": bias}

    def early(before: int, bias: float) -> bool:
        places = by_interval(calls, interval, bias)
        shown = zip(places[before:], seen, strict=False)
        clear = before == 0 or places[before - 1] < cached.start
        return clear and all(place <= wanted for place, wanted in shown)

    def late(before: int, bias: float) -> bool:
        places = by_interval(calls, interval, bias)
        shown = zip(places[before:], [*seen, cached.stop], strict=False)
        return all(place >= wanted for place, wanted in shown)

    lowest, *_, highest = sorted([float(end) for end in domain.ends] * 2)
    for before in range(min(cached.start, 1), hidden + 1):
        all_before, none_after = before == hidden, cached.stop >= calls
        if (before and not cached.start) or (none_after and not all_before):
            continue
        if late(before, lowest) and early(before, highest):
            yield values(nearest(domain, 1.0))
            yield from _solved(smallest(domain, partial(early, before)), values)


def _thresholds(bound: Bound, target: Places, cached: range) -> Iterator[Values]:
    """The smallest threshold that puts no full call before its target, then all others."""
    domain, beyond = bound.domain("refresh.threshold"), bound.context.calls

    def values(threshold: Value) -> Values:
        return {"refresh.threshold": threshold}

    def late(threshold: float) -> bool:
        places = full_calls(bound, values(threshold), cached)
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
