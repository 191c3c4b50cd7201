"""Ranges of calls, as shares of the run, in which alone a space caches, prunes or forecasts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, get_args

from search.space.domains import Value
from search.space.entry import Entry, Slot, parse_entry
from search.space.problems import Problems, join

What = Literal["cached", "prune", "forecast"]
"""What a range can limit: calls that are not full, pruning, and forecasts that are not held."""

RANGED: tuple[What, ...] = get_args(What)
ENDS = ("start", "end")
SHARE = Slot("An end of a range is a share of the run from 0 to 1.", 0, 1)


def parse_between(table: Mapping[str, object], problems: Problems) -> dict[str, Entry]:
    """The ends of the ranges, by path (``"between.cached.start"``)."""
    problems.keys("between", table, RANGED)
    found: dict[str, Entry] = {}
    for what in RANGED:
        if what in table:
            found |= _ends(table[what], join("between", what), problems)
    return found


def _ends(raw: object, path: str, problems: Problems) -> dict[str, Entry]:
    if not isinstance(raw, Sequence) or isinstance(raw, str) or len(raw) != len(ENDS):
        problems.add(path, "A range is two shares of the run.", "Write [0.3, 0.7].", raw)
        return {}
    found: dict[str, Entry] = {}
    for end, value in zip(ENDS, raw, strict=True):
        entry = parse_entry(value, join(path, end), SHARE, problems)
        if entry is not None:
            found[join(path, end)] = entry
    if len(found) == len(ENDS):
        start, stop = (tuple(map(float, entry.domain.ends)) for entry in found.values())
        if max(start) >= min(stop):
            rule = "A range starts before it ends, whatever is drawn."
            remedy = "Let every start be less than every end."
            problems.add(path, rule, remedy, [max(start), min(stop)])
    return found


def place(share: float, calls: int) -> int:
    """The number of calls that a share of a run is, rounded: 0.3 of 50 calls are 15."""
    return int(round(share * calls, 9) + 0.5)


def inside(what: What, values: Mapping[str, Value], calls: int) -> range:
    """The calls of a range whose ends have ``values``; all calls where there is no range."""
    start = values.get(f"between.{what}.start", 0.0)
    end = values.get(f"between.{what}.end", 1.0)
    return range(place(float(start), calls), place(float(end), calls))


def widest(what: What, entries: Iterable[tuple[str, Entry]], calls: int) -> range:
    """The calls of a space's range where it is widest."""
    ends: dict[str, Value] = {}
    for name, entry in entries:
        if name.startswith(f"between.{what}."):
            furthest = min if name.endswith(".start") else max
            ends[name] = furthest(map(float, entry.domain.ends))
    return inside(what, ends, calls)
