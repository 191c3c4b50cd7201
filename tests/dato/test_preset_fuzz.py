"""Thousands of damaged presets: each loads, or is refused by one of our own errors."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from dato.errors import DatoError
from dato.preset import Preset

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
HOSTILE_VALUES = [
    "null", "true", "false", "0", "-1", "1.5", "1e999", "NaN", "-0.0", "1e-320", "[]", "{}",
    '""', '"full"', '"\\ud800"', '"\\u0000"', "[[[[]]]]", '{"a": {"a": {}}}', "9" * 30, '"level"',
]  # fmt: skip
PIECES = ['"', "{", "}", "[", "]", ",", ":", "\\", "\0", "\ufeff", "é", "😀", "//", "'", "e", "-"]


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
    """Replace one value somewhere in the tree by a hostile one."""
    tree = json.loads(text)
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
    holder, key = source.choice(places)
    holder[key] = "@@"  # type: ignore[index]
    return json.dumps(tree).replace('"@@"', source.choice(HOSTILE_VALUES))


MUTATIONS: list[Callable[[str, random.Random], str]] = [cut, insert, repeat, swap_value, swap_value]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_damage_never_escapes_as_a_foreign_error(path: Path) -> None:
    source = random.Random(path.stem)
    text = path.read_text(encoding="utf-8")
    refused = 0
    for _ in range(1_000):
        damaged = source.choice(MUTATIONS)(text, source)
        try:
            loaded = Preset.from_json(damaged)
        except DatoError:
            refused += 1
        else:
            assert Preset.from_json(loaded.to_json()) == loaded
    assert refused > 500


def test_damaged_bytes_never_escape_as_a_foreign_error(tmp_path: Path) -> None:
    source = random.Random(0)
    data = GOLDEN[0].read_bytes()
    path = tmp_path / "damaged.json"
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(source.randint(1, 4)):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        path.write_bytes(bytes(damaged))
        with suppress(DatoError):
            Preset.load(path)
