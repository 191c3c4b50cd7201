"""Settings of tuning: how many trials become tuned samplers, and with how much effort."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from search.settings.base import Settings

Scale = Annotated[float, Field(ge=0, le=1000)]


class TuneSettings(Settings):
    """Tuning of the best trials, between the search and the audit.

    Args:
        members: how many trials; 0 tunes none.
        iterations: at most.
        images: training prompts; a third of them say which iteration was best.
        guidance: the lowest and the highest guidance scale that a tuned sampler is for; null is the
            model's alone.
    """

    members: int = Field(default=0, ge=0, le=20)
    iterations: int = Field(default=3, ge=1, le=10_000)
    images: int = Field(default=6, ge=2, le=10_000)
    guidance: tuple[Scale, Scale] | None = None

    @model_validator(mode="after")
    def _rises(self) -> TuneSettings:
        if self.guidance is not None and self.guidance[0] > self.guidance[1]:
            raise ValueError(
                f"tune.guidance={[*self.guidance]} begins above its end. Write the lowest scale "
                "first."
            )
        return self
