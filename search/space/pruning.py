"""Parses the ``prune`` tables of a space, whose limit follows from the token patch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from dato import Tokens
from search.space.entry import Entry, Per, Slot, parse_entry
from search.space.problems import Problems, join

LEVEL = re.compile(r"level_\d+")


def parse_patch(tokens: Mapping[str, object], problems: Problems) -> tuple[int, int]:
    """Tokens per patch, height and width."""
    raw = tokens.get("patch", (2, 2))
    if isinstance(raw, Sequence) and len(raw) == 2:
        height, width = raw
        sound = all(isinstance(side, int) and not isinstance(side, bool) for side in raw)
        if sound and min(height, width) >= 1 and height * width >= 2:
            return (height, width)
    rule = "A patch is a constant [height, width] of at least two tokens."
    problems.add("tokens.patch", rule, "Write [2, 2].", raw)
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
    rule = f"A pruning ratio is from 0 to 1 - 1/(patch area) = {limit:g}."
    call: tuple[Per, ...] = ("call",) if group == "calls" else ()
    if not isinstance(raw, Mapping) or "kind" in raw:
        whole = parse_entry(
            raw, base, Slot(rule, 0, limit, per=("layer", "level", *call)), problems
        )
        return base, {} if whole is None else {"": whole}
    found: dict[str, Entry] = {}
    for key, value in raw.items():
        per: tuple[Per, ...] = call if "." in str(key) else ("layer", *call)
        if not (key == "finest" or LEVEL.fullmatch(str(key)) or "." in str(key)):
            valid = ("finest", "level_0", "level_1", "level_2", "a layer's name")
            problems.unknown(join(base, str(key)), key, valid, "level or layer")
            continue
        entry = parse_entry(value, join(base, str(key)), Slot(rule, 0, limit, per=per), problems)
        if entry is not None:
            found[str(key)] = entry
    return base, found
