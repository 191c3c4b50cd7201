"""Class names from the files in which ImageNet's classes are passed around.

One name a line, with or without its synset and number in front; JSON; or a dictionary of Python's.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from search.records.reading import lines_of

LAYOUTS = (
    "one name a line ('tench', 'n01440764 tench, Tinca tinca' or 'n01440764 1 tench'), or a list "
    'or mapping as JSON or Python writes it ({0: \'tench\', ...}, {"0": ["n01440764", "tench"]})'
)

_SYNSET = r"n\d{8}"
_NUMBERED = re.compile(rf"{_SYNSET}\s+\d+\s+(\S.*)")
"""A line of ``map_clsloc.txt``: ``n01440764 1 tench``."""

_NAMED = re.compile(rf"{_SYNSET}\s+(\S.*)")
_NUMBER = re.compile(r"[0-9]{1,18}")
_NO_NAME = re.compile(rf"[{{}}\[\]<>|=:;\t\"]|\b{_SYNSET}\b|^\W*\d+\W*$")
"""What no class name holds: signs of a table or a program, a synset, or nothing but a number."""

_ROW = re.compile(r"\d+[\s,.)]+\S.*|\S.*[\s,]\d+")
"""A line with a number in front of the name or behind it."""


def class_names(text: str) -> list[str]:
    """Names in the order of the file, or of the class numbers where it has them; of several names
    of one class the first.

    Raises:
        ValueError: the layout is none of :data:`LAYOUTS`; the message says what was read instead.
    """
    text = text.strip()
    names = _of_value(_parsed(text)) if text[:1] in ("{", "[") else _of_lines(text)
    first = [" ".join(name.partition(",")[0].replace("_", " ").split()) for name in names]
    for name in first:
        if _NO_NAME.search(name):
            raise ValueError(f"it holds {name[:60]!r}, which is no class name")
    return [name for name in first if name]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it nests too deeply") from error
    except ValueError as error:
        reason = error
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f"it is neither JSON ({reason}) nor a literal of Python") from error


def _of_value(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        keys = [str(key) for key in value]
        numbered = all(map(_NUMBER.fullmatch, keys))
        if not numbered and not all(re.fullmatch(_SYNSET, key) for key in keys):
            raise ValueError(f"its keys, such as {keys[0][:60]!r}, are no class numbers or synsets")
        entries: Iterable[Any] = [
            value[key] for key in sorted(value, key=lambda key: int(key) if numbered else str(key))
        ]
    else:
        entries = value
    return [_of_entry(entry) for entry in entries]


def _of_entry(entry: Any) -> str:
    """The name of one class: itself, or of ``[synset, name]``."""
    pair = isinstance(entry, list | tuple) and len(entry) == 2
    name = entry[1] if pair and re.fullmatch(_SYNSET, str(entry[0])) else entry
    if not isinstance(name, str):
        raise ValueError(f"it holds {str(entry)[:80]}, which is not a class name")
    return name


def _of_lines(text: str) -> list[str]:
    lines = [line.strip() for line in lines_of(text) if line.strip()]
    if len(lines) > 1 and all(map(_ROW.fullmatch, lines)):
        raise ValueError(f"its lines, such as {lines[0][:60]!r}, have a number beside the name")
    for layout in (_NUMBERED, _NAMED):
        if lines and all(layout.fullmatch(line) for line in lines):
            return [_captured(layout, line) for line in lines]
    return lines


def _captured(layout: re.Pattern[str], line: str) -> str:
    match = layout.fullmatch(line)
    assert match is not None
    return match[1]
