"""What a user would do instead of running a schedule, as it was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from search.records.base_sampler import Base, Run, sampler_words, steps_text
from search.records.fields import Settings, Steps
from search.records.front import Timing
from search.records.quality import Quality
from search.records.sampler_titles import sampler_title
from search.records.timesteps import OWN_TIMESTEPS, Timesteps


@dataclass(frozen=True)
class Rival:
    """What a user would do instead: the unpatched model in fewer steps, perhaps of another sampler,
    on the prompts and noise of the study.

    Args:
        scheduler: class name of the sampler; ``steps`` of one run, which makes ``calls`` calls.
        latency_s: seconds per image, priced by the cost table as that many full calls;
            ``priced_speedup`` (``speedup`` in files) over the unpatched model likewise.
        quality: on the images of the search.
        heldout: on held-out images; only of rivals that no other one dominates.
        timing: end to end, beside the audited members; ``timed_speedup`` likewise.
        seconds: wall-clock seconds that its images and their metrics took.
        settings: of its sampler where it was tried with the defaults of its class; empty where it
            takes over those of the study's. ``effective``: all that are not such defaults.
        timesteps: where its steps are.
    """

    scheduler: Annotated[str, Field(max_length=200)]
    steps: Steps
    calls: Annotated[int, Field(ge=1, le=100_000)]
    latency_s: float
    priced_speedup: Annotated[float, Field(alias="speedup")]
    quality: Quality
    heldout: Quality | None = None
    timing: Timing | None = None
    timed_speedup: float | None = None
    seconds: float = 0.0
    settings: Settings = ()
    effective: Settings = ()
    timesteps: Timesteps = OWN_TIMESTEPS

    @property
    def base(self) -> Base:
        """Its sampler, steps, settings and timesteps."""
        return Base(self.scheduler, self.steps, self.settings, self.timesteps)

    @property
    def run(self) -> Run:
        """The unpatched model on its sampler."""
        return Run(None, self.base)

    @property
    def line(self) -> str:
        """Its line in a plot: it and others that differ in their numbers of steps alone."""
        return ", ".join((sampler_title(self.scheduler), "fewer steps", *self.timesteps.words))

    @property
    def name(self) -> str:
        """For people, such as ``"UniPC, Karras sigmas, 8 steps"`` or ``"DPM-Solver++ 2M, 6 steps,
        planned timesteps"``."""
        words, at = sampler_words(self.scheduler, dict(self.effective)), self.timesteps.words
        default = ("default settings",) if self.settings and not at else ()
        return ", ".join((words, *default, steps_text(self.steps), *at))
