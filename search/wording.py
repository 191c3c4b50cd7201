"""How a message shows values."""

from __future__ import annotations

from collections.abc import Iterable

from search.secrets import without_passwords

LONGEST = 80
"""Characters of a value that a message shows."""


def shown(value: object) -> str:
    """``value`` as Python writes it, without passwords, and cut where it is long."""
    text = without_passwords(repr(value))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def listed(names: Iterable[object]) -> str:
    """``"a, b or c"``."""
    *front, last = map(str, names)
    return f"{', '.join(front)} or {last}" if front else last
