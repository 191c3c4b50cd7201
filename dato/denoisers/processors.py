"""Attention processors that count or store: a schedule leaves calls out, which then miss there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dato.errors import UnsupportedError

Counts = Mapping[tuple[int, str], tuple[str, int]]


def counts_of(denoiser: Any) -> Counts:
    """Every whole number and the length of every list that an attention processor, or an object
    that it holds, keeps.

    By object and attribute: the attribute's name with its class, and the number.
    """
    counts: dict[tuple[int, str], tuple[str, int]] = {}
    for processor in getattr(denoiser, "attn_processors", {}).values():
        state = getattr(processor, "__dict__", {})
        for each in (processor, *state.values()):
            for name, number in _numbers(getattr(each, "__dict__", {})):
                counts[id(each), name] = f"{type(each).__name__}.{name}", number
    return counts


def _numbers(state: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """The numbers and lengths among attributes. Of a dictionary its lists count, not its keys,
    which come with the first use of a memory that may be kept for ever."""
    for name, value in state.items():
        if isinstance(value, list):
            yield name, len(value)
        elif isinstance(value, dict):
            yield name, sum(len(each) for each in value.values() if isinstance(each, list))
        elif isinstance(value, int) and not isinstance(value, bool):
            yield name, value


def check_uncounted(before: Counts, after: Counts) -> None:
    """Refuse processors whose numbers a call has changed.

    Raises:
        UnsupportedError: naming one of them.
    """
    for place, (name, value) in after.items():
        if place in before and before[place][1] != value:
            raise UnsupportedError(
                f"An attention processor counts calls, or stores what it saw ({name} went from "
                f"{before[place][1]} to {value}), and the schedule leaves calls out.",
                remedy="Put diffusers' processors back, or use a schedule of full calls.",
            )
