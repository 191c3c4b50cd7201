"""The NumPy reader that the page "Run it elsewhere" prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "sampler-file.md"
SAMPLE = Callable[[str, Any, Any], Any]


def documented() -> tuple[str, SAMPLE]:
    """Its text and its function."""
    text = PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(text, names)
    return text, names["sample"]
