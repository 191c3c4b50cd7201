"""Settings of tuning: how many trials become tuned samplers, and with how much effort."""

from __future__ import annotations

from pydantic import Field

from search.settings.base import Settings


class TuneSettings(Settings):
    """Tuning of the best trials, between the search and the audit.

    Args:
        members: how many trials; 0 tunes none.
        iterations: at most.
        images: training prompts; a third of them say which iteration was best.
    """

    members: int = Field(default=0, ge=0, le=20)
    iterations: int = Field(default=10, ge=1, le=10_000)
    images: int = Field(default=12, ge=2, le=10_000)
