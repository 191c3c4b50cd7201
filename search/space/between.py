"""Ranges of calls, as shares of the run, in which alone a space caches, prunes or forecasts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, get_args

from search.space.domains import Value
from search.space.entry import Entry, parse_entry
from search.space.problems import Problems, join
from search.space.slots import Slot
from search.wording import shown

What = Literal["cached", "prune", "forecast"]
"""What a range can limit: calls that are not full, pruning, and forecasts that are not held."""

RANGED: tuple[What, ...] = get_args(What)
ENDS = ("start", "end")
SHARE = Slot("a share of the run", 0, 1)


def parse_between(table: Mapping[str, object], problems: Problems) -> dict[str, Entry]:
    """The ends of the ranges, by path (``"between.cached.start"``)."""
    problems.keys("between", table, RANGED)
    ends: dict[str, Entry] = {}
    for what in RANGED:
        if what in table:
            ends |= _ends(table[what], join("between", what), problems)
    return ends


def _ends(raw: object, path: str, problems: Problems) -> dict[str, Entry]:
    if not isinstance(raw, Sequence) or isinstance(raw, str) or len(raw) != len(ENDS):
        fault = f"{shown(raw)} is not the start and the end of a range"
        problems.add(path, fault, "Write two shares of the run, such as [0.3, 0.7]")
        return {}
    entries: dict[str, Entry] = {}
    for end, value in zip(ENDS, raw, strict=True):
        entry = parse_entry(value, join(path, end), SHARE, problems)
        if entry is not None:
            entries[join(path, end)] = entry
    if len(entries) == len(ENDS):
        start, stop = (tuple(map(float, entry.domain.ends)) for entry in entries.values())
        if max(start) >= min(stop):
            fault = f"a range from {max(start):g} to {min(stop):g} holds no call"
            problems.add(path, fault, "Let every start be less than every end")
    return entries


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
