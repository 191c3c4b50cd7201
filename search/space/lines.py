"""Straight lines that the calls of a run have nothing to draw through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dato import Kind
from dato.schedule import Depth, refreshes

VALUES = 2
"""How many computed values a straight line goes through."""


def without_idle_lines(kinds: Sequence[Kind], *, each_call: bool) -> list[Kind]:
    """``kinds`` of the calls of a run, where none is called linear that holds.

    A line through a single value holds it, so both say the same.

    Args:
        each_call: rename every call that holds. Otherwise a kind stays linear at all of its calls
            as long as one of them draws a line, which needs fewer kinds.
    """
    depths = [kind.depth for kind in kinds]
    drawn = [
        kind.forecast == "linear" and _computed(depths, call) >= VALUES
        for call, kind in enumerate(kinds)
    ]
    somewhere = {kind for kind, draws in zip(kinds, drawn, strict=True) if draws}

    def shown(kind: Kind, draws: bool) -> Kind:
        idle = kind.forecast == "linear" and not (draws if each_call else kind in somewhere)
        return replace(kind, forecast="hold") if idle else kind

    return [shown(kind, draws) for kind, draws in zip(kinds, drawn, strict=True)]


def _computed(depths: Sequence[Depth], call: int) -> int:
    """How many earlier calls computed what ``call`` stands on; 0 for a full call."""
    depth = depths[call]
    return 0 if depth == "full" else sum(refreshes(other, depth) for other in depths[:call])
