"""Settings of tuning: how many trials become tuned samplers, and with how much effort."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from search.settings.base import Settings


def _range(scales: tuple[float, float]) -> tuple[float, float]:
    low, high = scales
    if low > high:
        raise ValueError(
            f"the lowest scale {low:g} is above the highest, {high:g}. Write [{high:g},{low:g}]."
        )
    return scales


Scale = Annotated[float, Field(ge=0, le=1000)]
GuidanceRange = Annotated[tuple[Scale, Scale], AfterValidator(_range)]


class TuneSettings(Settings):
    """Tuning of the best trials, between the search and the audit.

    Args:
        members: how many trials; 0 tunes none.
        iterations: at most.
        images: training prompts; a third of them say which iteration was best.
        guidance: the lowest and the highest guidance scale that tuned samplers are for, with the
            model's between them; ``None`` is the model's alone.
    """

    members: int = Field(default=0, ge=0, le=20)
    iterations: int = Field(default=2, ge=1, le=10_000)
    images: int = Field(default=12, ge=2, le=10_000)
    guidance: GuidanceRange | None = None
