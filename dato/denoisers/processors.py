"""Attention processors that count: a schedule, which leaves calls out, makes them count wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dato.errors import UnsupportedError

Counts = Mapping[tuple[int, str], tuple[str, int]]


def counts_of(denoiser: Any) -> Counts:
    """Every whole number that an attention processor, or an object that it holds, keeps.

    By object and attribute: the attribute's name with its class, and the number.
    """
    counts: dict[tuple[int, str], tuple[str, int]] = {}
    for processor in getattr(denoiser, "attn_processors", {}).values():
        state = getattr(processor, "__dict__", {})
        for each in (processor, *state.values()):
            for name, value in getattr(each, "__dict__", {}).items():
                if isinstance(value, int) and not isinstance(value, bool):
                    counts[id(each), name] = f"{type(each).__name__}.{name}", value
    return counts


def check_uncounted(before: Counts, after: Counts) -> None:
    """Refuse processors whose numbers a call has changed.

    Raises:
        UnsupportedError: naming one of them.
    """
    for place, (name, value) in after.items():
        if place in before and before[place][1] != value:
            raise UnsupportedError(
                f"An attention processor counts calls ({name} went from {before[place][1]} to "
                f"{value}), and the schedule leaves calls out.",
                remedy="Put diffusers' processors back, or use a schedule of full calls.",
            )
