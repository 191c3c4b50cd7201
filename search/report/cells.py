"""Numbers as the cells of a table show them."""

from __future__ import annotations

import math

from search.metrics import Metric

TIMES = "\N{MULTIPLICATION SIGN}"
MISSING = "\N{EN DASH}"


def number(value: float | None, form: str, unit: str = "") -> str:
    """``value`` in the format ``form``, with its unit; a dash where nothing was measured."""
    return MISSING if value is None else f"{value:{form}}{unit}"


def significant(value: float | None, digits: int = 4) -> str:
    """An FID with as many digits that mean something, whatever its size: 134.3, 2.402, 0.01230."""
    if value is None:
        return MISSING
    power = math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{min(max(digits - 1 - power, 0), 6)}f}"


def metric_text(value: float | None, asked: Metric) -> str:
    """A metric's value with the digits that a reader needs; a dash where nothing was measured."""
    return significant(value) if asked.digits is None else number(value, f".{asked.digits}f")


def hover_format(asked: Metric) -> str:
    """The same for a plot, in d3's language."""
    return ".4~g" if asked.digits is None else f".{asked.digits}f"


def brackets(interval: tuple[float, float] | None) -> str:
    """An interval in brackets; ``""`` where there is none."""
    if interval is None:
        return ""
    low, high = (significant(end, 3) for end in interval)
    return f"({low}–{high})"  # noqa: RUF001


def with_interval(value: float | None, interval: tuple[float, float] | None) -> str:
    """An FID, and in brackets its interval where it has one."""
    return (
        significant(value)
        if value is None
        else f"{significant(value)} {brackets(interval)}".rstrip()
    )
