"""Writes preset files for people: small objects and runs of steps share a line."""

from __future__ import annotations

import json

WIDTH = 100


def render(value: object, indent: int = 0, used: int = 0) -> str:
    """JSON of ``value``: on one line where it fits :data:`WIDTH`, otherwise one entry per line.

    Lists of scalars fill their lines. ``used`` columns are already taken on the first line.
    The outermost value is always spread. Floats are written with the digits that they need.
    """
    line = _scalar(value)
    fits = indent + used + len(line) < WIDTH
    if (fits and (indent or not isinstance(value, dict | list))) or not value:
        return line
    inner = indent + 2
    if isinstance(value, dict):
        keys = [f"{_scalar(key)}: " for key in value]
        items = [
            key + render(item, inner, len(key) + 1)
            for key, item in zip(keys, value.values(), strict=True)
        ]
        return _block("{", items, "}", indent)
    if isinstance(value, list):
        if any(isinstance(item, dict | list) for item in value):
            return _block("[", [render(item, inner, 1) for item in value], "]", indent)
        return _block("[", _fill([_scalar(item) for item in value], WIDTH - inner), "]", indent)
    return line


def _scalar(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _block(opening: str, items: list[str], closing: str, indent: int) -> str:
    margin = "\n" + " " * (indent + 2)
    return f"{opening}{margin}{f',{margin}'.join(items)}\n{' ' * indent}{closing}"


def _fill(items: list[str], width: int) -> list[str]:
    """Join ``items`` by commas into lines of at most ``width`` columns."""
    lines = [items[0]]
    for item in items[1:]:
        if len(lines[-1]) + len(item) + 3 <= width:
            lines[-1] += f", {item}"
        else:
            lines.append(item)
    return lines
