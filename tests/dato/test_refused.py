"""The page of what the engine refuses lists every error that the engine raises."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ERRORS = ("UnsupportedError", "MismatchError")


def messages() -> Iterator[str]:
    """What is wrong in each error of the engine, with … for each value."""
    for path in (ROOT / "dato").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _ERRORS:
                fault = node.args[0]
                parts = fault.values if isinstance(fault, ast.JoinedStr) else [fault]
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts
                )


def listed() -> list[str]:
    page = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")
    table = page.split("### What is refused")[1].split("\n## ")[0]
    return re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE)[1:]


def test_every_refusal_is_listed_and_every_listed_one_exists() -> None:
    starts, found = listed(), list(messages())
    assert [text for text in found if not text.startswith(tuple(starts))] == []
    assert [start for start in starts if not any(text.startswith(start) for text in found)] == []
