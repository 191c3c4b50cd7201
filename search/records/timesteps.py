"""Where the calls of a denoising run are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import Field

from dato.preset.fields import Several

Source = Literal["own", "planned", "ays"]
"""Whose timesteps they are: the scheduler's own; those at which a study's calibration plans that
many full calls; or those of Align Your Steps (arXiv 2404.14507), which diffusers ships."""

SOURCES: tuple[Source, ...] = get_args(Source)

_WORDS = {"planned": "planned timesteps", "ays": "AYS timesteps"}


@dataclass(frozen=True)
class Timesteps:
    """The timesteps of a run.

    Args:
        values: in the model's units, falling, one for each step; under flow matching the shares of
            noise in those units, with every shift that a scheduler would add. Empty for the
            scheduler's own, and in a space for those that no calibration has planned yet.
    """

    source: Source = "own"
    values: Annotated[tuple[float, ...], Field(max_length=1_000), Several] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """For people; nothing where a run is as everybody's."""
        return () if self.source == "own" else (_WORDS[self.source],)


OWN_TIMESTEPS = Timesteps()
"""The scheduler's own."""
