"""Parses the ``prune`` tables of a space, whose limit follows from the token patch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from dato import Tokens
from search.space.entry import Entry, parse_entry
from search.space.problems import Problems, join
from search.space.slots import Per, Slot
from search.wording import shown

LEVEL = re.compile(r"level_\d+")
RATIO = "a pruning ratio"


def parse_patch(tokens: Mapping[str, object], problems: Problems) -> tuple[int, int]:
    """Tokens per patch, height and width."""
    raw = tokens.get("patch", (2, 2))
    sides = [*raw] if isinstance(raw, Sequence) and not isinstance(raw, str) else []
    sound = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
    fault = f"{shown(raw)} is not the height and width of a patch"
    if len(sides) == 2 and sound and min(sides) >= 1:
        height, width = sides
        if height * width >= 2:
            return (height, width)
        fault = f"the patch {shown(sides)} is too small: it needs two tokens"
    problems.add("tokens.patch", fault, "Write [2, 2]")
    return (2, 2)


def parse_prune(
    config: Mapping[str, object], group: str, patch: tuple[int, int], problems: Problems
) -> tuple[str, dict[str, Entry]]:
    """Where the ratios of ``group`` are named, and their entries by level or layer."""
    given = config.get(group)
    table = given if isinstance(given, Mapping) else {}
    base, raw = join(group, "prune"), table.get("prune")
    if "prune" not in table and group != "calls" and "prune" in config:
        base, raw = "prune", config["prune"]
    if raw is None:
        return base, {}
    limit = Tokens(patch=patch).max_ratio
    why = f"one token of each {patch[0]} x {patch[1]} patch stays"
    call: tuple[Per, ...] = ("call",) if group == "calls" else ()
    if not isinstance(raw, Mapping) or "kind" in raw:
        slot = Slot(RATIO, 0, limit, per=("layer", "level", *call), why=why)
        whole = parse_entry(raw, base, slot, problems)
        return base, {} if whole is None else {"": whole}
    entries: dict[str, Entry] = {}
    for key, value in raw.items():
        per: tuple[Per, ...] = call if "." in str(key) else ("layer", *call)
        if not (key == "finest" or LEVEL.fullmatch(str(key)) or "." in str(key)):
            valid = ("finest", "level_0", "level_1", "level_2", "a layer's name")
            problems.unknown(join(base, str(key)), key, valid, "level or layer")
            continue
        slot = Slot(RATIO, 0, limit, per=per, why=why)
        entry = parse_entry(value, join(base, str(key)), slot, problems)
        if entry is not None:
            entries[str(key)] = entry
    return base, entries
