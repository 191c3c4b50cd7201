"""Where the full calls of a run are, and which of the others reuse the previous output.

``cached`` are the calls that need not be full; the first call is full even if it is one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def by_interval(calls: int, interval: int, bias: float) -> tuple[int, ...]:
    """Full calls every ``interval`` calls, warped towards the start (bias > 1) or the end (< 1).

    Call ``c`` moves to ``calls * (c / calls) ** bias``; the number of full calls stays, so the
    bias changes where the same time is spent. ``bias == 1`` is exactly uniform.
    """
    even = range(0, calls, interval)
    places: list[int] = []
    for index, call in enumerate(even):
        warped = int(calls * (call / calls) ** bias + 0.5)
        earliest = places[-1] + 1 if places else 0
        latest = calls - (len(even) - index)
        places.append(min(max(warped, earliest), latest))
    return tuple(places)


def outside(calls: int, cached: range) -> frozenset[int]:
    """Calls that are full whatever a rule says."""
    return frozenset(call for call in range(calls) if call == 0 or call not in cached)


def evenly(calls: int, count: int, cached: range) -> tuple[int, ...]:
    """``count`` of ``calls`` calls, as evenly as they go beside those outside ``cached``.

    More than ``count`` where more are outside.
    """
    known = outside(calls, cached)
    for number in range(count, 0, -1):
        full = known | {index * calls // number for index in range(number)}
        if len(full) <= count:
            return tuple(sorted(full))
    return tuple(sorted(known))


def by_drift(drift: Sequence[float], threshold: float, cached: range) -> tuple[int, ...]:
    """A full call where the drift since the last one exceeds ``threshold`` x the total drift."""
    limit = threshold * sum(drift)
    places, since = [0], 0.0
    for call in range(1, len(drift)):
        since += drift[call]
        if since > limit or call not in cached:
            places.append(call)
            since = 0.0
    return tuple(places)


def reuses(cached: int, share: float) -> int:
    """How many of ``cached`` calls repeat the previous output."""
    return int(share * cached + 0.5)


def reused(cached: Sequence[int], drift: Sequence[float], share: float) -> frozenset[int]:
    """The ``share`` of the ``cached`` calls that repeat the previous output.

    One at a time, the call whose stretch of repeated outputs then spans the least drift (the
    earliest of equals): calm calls first, spread out rather than in a row. Where no drift was
    recorded every call counts the same.
    """
    weights = list(drift) if any(drift) else [1.0] * len(drift)
    before = [0.0, *accumulate(weights)]
    chosen: set[int] = set()

    def stretch(call: int) -> float:
        first = last = call
        while first - 1 in chosen:
            first -= 1
        while last + 1 in chosen:
            last += 1
        return before[last + 1] - before[first]

    for _ in range(reuses(len(cached), share)):
        rest = [call for call in cached if call not in chosen]
        chosen.add(min(rest, key=lambda call: (round(stretch(call), 12), call)))
    return frozenset(chosen)
