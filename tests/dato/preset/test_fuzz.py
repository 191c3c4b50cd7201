"""Thousands of damaged presets: each loads, or is refused by one of our own errors."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from dato.errors import DatoError
from dato.preset import Preset
from tests.fuzz.mutations import damaged

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.json"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_damage_never_escapes_as_a_foreign_error(path: Path) -> None:
    source = random.Random(path.stem)
    text = path.read_text(encoding="utf-8")
    refused = 0
    for _ in range(1_000):
        try:
            loaded = Preset.from_json(damaged(text, source))
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
        broken = bytearray(data)
        for _ in range(source.randint(1, 4)):
            broken[source.randrange(len(broken))] = source.randrange(256)
        path.write_bytes(bytes(broken))
        with suppress(DatoError):
            Preset.load(path)
