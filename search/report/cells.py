"""Numbers as the cells of a table show them."""

from __future__ import annotations

TIMES = "\N{MULTIPLICATION SIGN}"
MISSING = "\N{EN DASH}"


def number(value: float | None, form: str, unit: str = "") -> str:
    """``value`` in the format ``form``, with its unit; a dash where nothing was measured."""
    return MISSING if value is None else f"{value:{form}}{unit}"


def with_interval(value: float | None, interval: tuple[float, float] | None) -> str:
    """An FID, and in brackets its interval where it has one."""
    if value is None or interval is None:
        return number(value, ".2f")
    return f"{value:.2f} ({interval[0]:.1f}–{interval[1]:.1f})"  # noqa: RUF001
