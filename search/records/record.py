"""What a study remembers of one trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dato import Schedule
from search.records.base_sampler import Base, Run
from search.records.fields import Whole
from search.records.quality import Quality

State = Literal["complete", "pruned", "fail", "running"]
Origin = Literal["baseline", "warmstart", "sampler", "refine", "tuned"]
Parameter = int | float | str

LOST = "the driver stopped before this trial ended; its parameters were enqueued again"
"""Reason of an attempt whose process died; the trial itself is tried again."""


@dataclass(frozen=True)
class TunedFrom:
    """Where a tuned trial comes from.

    Args:
        trial: number of the one whose schedule it was at first, and whose parameters it has.
        iterations: at most; ``images``: training prompts.
        cost: of the tuning, in images of the unpatched model.
        guidance: the lowest and the highest guidance scale; ``None`` is the study's alone.
    """

    trial: Whole
    iterations: Whole
    images: Whole
    cost: float = 0.0
    guidance: tuple[float, float] | None = None


@dataclass(frozen=True)
class TrialRecord:
    """One evaluated (or attempted) schedule.

    Args:
        number: trial number in the study.
        state: ``"pruned"`` keeps only its cheap ``distance``; ``"fail"`` carries ``reason``.
        origin: who proposed it.
        params: the space's parameters, by name.
        schedule: the decoded schedule; ``None`` when decoding failed.
        latency_s: seconds per image of the denoising loop, priced by the cost table.
        speedup: unpatched latency over ``latency_s``, both from the cost table.
        distance: paired latent distance on the first rung's images.
        rung_fid: the minimised loss (an FID, unless the study minimises another metric), of the
            first rung's images alone; comparable with other trials' ``rung_fid`` only.
        quality: quality on the full image count; ``None`` unless complete.
        seconds: wall-clock seconds the trial took; ``overhead_s`` of them outside model and metric,
            ``metric_s`` of them inside the metric.
        reason: why it was pruned or failed.
        images: images generated for this trial; 0 where another trial's were answered with.
        violations: by constrained quantity, how far outside its bounds the trial is, as a share
            of the bound; 0 or less is inside. Empty without constraints.
        base: the sampler that the schedule belongs to; ``None`` is the study's own.
        unpatched_calls: of one run on the study's own sampler, which ``speedup`` is relative to;
            ``None`` where the schedule has as many.
        tuned_from: of a tuned trial, whose schedule no parameters can express; else ``None``.
    """

    number: int
    state: State
    origin: Origin
    params: Mapping[str, Parameter]
    schedule: Schedule | None = None
    latency_s: float | None = None
    speedup: float | None = None
    distance: float | None = None
    quality: Quality | None = None
    seconds: float = 0.0
    overhead_s: float = 0.0
    reason: str = ""
    images: int = 0
    violations: Mapping[str, float] = field(default_factory=dict)
    rung_fid: float | None = None
    metric_s: float = 0.0
    base: Base | None = None
    unpatched_calls: int | None = None
    tuned_from: TunedFrom | None = None

    @property
    def run(self) -> Run:
        """The schedule with its base."""
        return Run(self.schedule, self.base)

    def value(self, name: str) -> float | None:
        """The speed-up, or a metric by its name; ``None`` where it is not known."""
        if name == "speedup":
            return self.speedup
        return None if self.quality is None else self.quality.value(name)

    @property
    def feasible(self) -> bool:
        """Whether every constraint that was looked at is kept."""
        return all(value <= 0 for value in self.violations.values())

    @property
    def lost(self) -> bool:
        """Whether this is an attempt that ended with its process, so that it counts for nothing."""
        return self.reason == LOST

    @property
    def outcome(self) -> str:
        """What became of the trial, for people: its state, or ``"interrupted"``, which is no
        failure."""
        return "interrupted" if self.lost else self.state

    @property
    def made(self) -> int:
        """How many images were generated, with those that a sampler was tuned towards."""
        return self.images + (0 if self.tuned_from is None else self.tuned_from.images)

    @property
    def cost(self) -> float:
        """What it took, in images of the unpatched model: one at a speed-up of 4 counts a quarter,
        and a tuning counts too."""
        tuning = 0.0 if self.tuned_from is None else self.tuned_from.cost
        return tuning + (self.images / self.speedup if self.speedup else 0.0)

    @property
    def calls(self) -> float:
        """Denoiser calls spent on it, a cached one counting its share of a full one."""
        if self.schedule is None:
            return 0.0
        return self.cost * (self.unpatched_calls or self.schedule.calls)
