"""Seeded damage to text files: to their characters, and to the values of their tree."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

HOSTILE_VALUES = [
    "null", "true", "false", "0", "-1", "1.5", "1e999", "NaN", "-0.0", "1e-320", "[]", "{}",
    '""', '"full"', '"\\ud800"', '"\\u0000"', "[[[[]]]]", '{"a": {"a": {}}}', "9" * 30, '"level"',
    "9" * 5_000, "-1e308", "2147483648", "9223372036854775808", '"../../../x"', "[" * 300,
    "[" * 300 + "]" * 300, '"' + "x" * 20_000 + '"', '"${oc.env:HOME}"', '"<script>"',
    '{"_target_": "os.system"}', "2001-13-45", "!!python/object:os.system", "*a", "&a [*a]",
]  # fmt: skip
PIECES = ['"', "{", "}", "[", "]", ",", ":", "\\", "\0", "\ufeff", "é", "😀", "//", "'", "e", "-"]

Mutation = Callable[[str, random.Random], str]


def cut(text: str, source: random.Random) -> str:
    start = source.randrange(len(text))
    return text[:start] + text[start + source.randint(1, 30) :]


def insert(text: str, source: random.Random) -> str:
    place = source.randrange(len(text))
    return text[:place] + source.choice(PIECES) + text[place:]


def repeat(text: str, source: random.Random) -> str:
    start = source.randrange(len(text))
    piece = text[start : start + source.randint(1, 60)]
    return text[:start] + piece * source.randint(2, 4) + text[start + len(piece) :]


def swap_value(text: str, source: random.Random) -> str:
    """Replace one value somewhere in a JSON tree by a hostile one; other text is cut."""
    try:
        tree = json.loads(text)
    except ValueError:
        return swap_word(text, source)
    places: list[tuple[dict[str, object] | list[object], str | int]] = []

    def collect(node: object) -> None:
        if isinstance(node, dict):
            places.extend((node, key) for key in node)
            for item in node.values():
                collect(item)
        elif isinstance(node, list):
            places.extend((node, index) for index in range(len(node)))
            for item in node:
                collect(item)

    collect(tree)
    if not places:
        return cut(text, source)
    holder, key = source.choice(places)
    holder[key] = "@@"  # type: ignore[index]
    return json.dumps(tree).replace('"@@"', source.choice(HOSTILE_VALUES))


def swap_word(text: str, source: random.Random) -> str:
    """Replace one word, wherever it stands, by a hostile value."""
    words = text.split(" ")
    words[source.randrange(len(words))] = source.choice(HOSTILE_VALUES)
    return " ".join(words)


MUTATIONS: tuple[Mutation, ...] = (cut, insert, repeat, swap_word, swap_value, swap_value)


def damaged(text: str, source: random.Random) -> str:
    """``text`` after one or two mutations; never the empty text."""
    for _ in range(source.choice((1, 1, 2))):
        text = source.choice(MUTATIONS)(text, source) or " "
    return text
