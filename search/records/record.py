"""What a study remembers: one record per trial, one member per non-dominated schedule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dato import Schedule
from dato.preset.fields import Setting
from search.metrics import metric
from search.records.base_sampler import (
    Base,
    Run,
    sampler_title,
    sampler_words,
    steps_text,
)
from search.records.timesteps import OWN_TIMESTEPS, Timesteps

State = Literal["complete", "pruned", "fail", "running"]
Origin = Literal["baseline", "warmstart", "sampler", "refine", "tuned"]
Parameter = int | float | str

LOST = "the driver stopped before this trial ended; its parameters were enqueued again"
"""Reason of an attempt whose process died; the trial itself is tried again."""


def images_text(images: int, prompts: int, kind: str = "images") -> str:
    """How many images there are, and of how many prompts where those are fewer."""
    few = f" of {prompts} prompt{'' if prompts == 1 else 's'}" if 0 < prompts < images else ""
    return f"{images} {kind}{few}"


@dataclass(frozen=True)
class Quality:
    """Image quality of one schedule on one set of prompts and noise.

    Args:
        fid_real: FID to real images.
        fid_reference: FID to the unpatched model's images of the same prompts and noise.
        distance: mean squared latent distance to the reference, relative to its variance.
        images: number of images behind both FIDs. FIDs of different counts are not comparable.
        metrics: whatever else was asked for, by its name in ``search.metrics``.
        prompts: number of different prompts behind the images; 0 in files of older versions.
    """

    fid_real: float
    fid_reference: float
    distance: float
    images: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    prompts: int = 0

    def images_text(self, kind: str = "images") -> str:
        """What its numbers are of, such as ``"64 images"``, or ``"64 images of 3 prompts"`` where
        prompts come more than once."""
        return images_text(self.images, self.prompts, kind)

    def value(self, name: str) -> float | None:
        """The metric ``name``; ``None`` where it was not measured."""
        own = {"fid_real": self.fid_real, "fid_reference": self.fid_reference}
        value = own[name] if name in own else self.metrics.get(name, math.nan)
        return value if math.isfinite(value) else None

    def loss(self, name: str) -> float | None:
        """What is minimised for the metric ``name``; ``None`` where it was not measured."""
        value = self.value(name)
        return None if value is None else metric(name).loss(value)


def loss_of(quality: Quality | None, objective: str) -> float | None:
    """What is minimised, of images that may not have been judged."""
    return None if quality is None else quality.loss(objective)


@dataclass(frozen=True)
class TunedFrom:
    """Where a tuned trial comes from.

    Args:
        trial: number of the one whose schedule it was at first, and whose parameters it has.
        iterations: at most; ``images``: training prompts.
        cost: of the tuning, in images of the unpatched model.
        guidance: the lowest and the highest guidance scale; ``None`` is the study's alone.
    """

    trial: int
    iterations: int
    images: int
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


@dataclass(frozen=True)
class Timing:
    """End-to-end time of the denoising loop, seconds per image: median and spread over repeats."""

    latency_s: float
    spread_s: float
    repeats: int


@dataclass(frozen=True)
class Audit:
    """What an audit measured of one schedule beside its held-out FIDs; pairs are with the
    unpatched model's image of the same prompt and noise.

    Args:
        reference_interval: 90 % bootstrap interval of ``fid_reference`` over images.
        matched_fid: the study's own metric on held-out images, the mean over sets of as many as the
            search used, so that it compares with the searched one; ``None`` for fewer images.
        matched_interval: 90 % interval of what a search on as many other prompts would find;
            ``None`` for fewer than twice as many images.
        kid_real, kid_reference: kernel distances to the same sets as the FIDs; unbiased, so that
            they may be below 0. ``kid_real`` is ``None`` without real images.
        psnr: mean over pairs, dB; ``ssim``: mean structural similarity.
        perceptual: mean distance of the pairs' features, 0 equal to 1 unrelated.
        beaten_by: name of a member that is no slower and better beyond the interval, or ``""``.
        interval: 90 % bootstrap interval of the study's own metric where that is no FID.
    """

    reference_interval: tuple[float, float]
    matched_fid: float | None
    matched_interval: tuple[float, float] | None
    kid_real: float | None
    kid_reference: float
    psnr: float
    ssim: float
    perceptual: float
    beaten_by: str = ""
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class FrontMember:
    """A non-dominated trial, as far as it was audited.

    Args:
        name: preset name inside the study, such as ``"speedup-4.1x"``.
        record: the trial as searched.
        heldout: quality on held-out prompts and noise; ``None`` unless audited.
        timing: end-to-end re-timing; ``None`` unless audited.
        timed_speedup: over the unpatched pipeline, timed in turns with it; ``None`` unless timed.
        interval: 90 % bootstrap interval of ``heldout.fid_real`` over images; ``None`` where
            that was not measured.
        audit: the rest of what an audit measured; ``None`` for the unpatched pipeline.
        elsewhere: speed-up on other devices by their name, priced by their cost tables.
    """

    name: str
    record: TrialRecord
    heldout: Quality | None = None
    timing: Timing | None = None
    timed_speedup: float | None = None
    interval: tuple[float, float] | None = None
    elsewhere: Mapping[str, float] = field(default_factory=dict)
    audit: Audit | None = None

    @property
    def priced_speedup(self) -> float | None:
        """Speed-up by the cost table."""
        return self.record.speedup


@dataclass(frozen=True)
class Rival:
    """What a user would do instead: the unpatched model in fewer steps, perhaps of another sampler,
    on the prompts and noise of the study.

    Args:
        scheduler: class name of the sampler; ``steps`` of one run, which makes ``calls`` calls.
        latency_s: seconds per image, priced by the cost table as that many full calls;
            ``priced_speedup`` over the unpatched model likewise.
        quality: on the images of the search.
        heldout: on held-out images; only of rivals that no other one dominates.
        timing: end to end, beside the audited members; ``timed_speedup`` likewise.
        seconds: wall-clock seconds that its images and their metrics took.
        settings: of its sampler where it was tried with the defaults of its class; empty where it
            takes over those of the study's. ``effective``: all that are not such defaults.
        timesteps: where its steps are.
    """

    scheduler: str
    steps: int
    calls: int
    latency_s: float
    priced_speedup: float
    quality: Quality
    heldout: Quality | None = None
    timing: Timing | None = None
    timed_speedup: float | None = None
    seconds: float = 0.0
    settings: tuple[tuple[str, Setting], ...] = ()
    effective: tuple[tuple[str, Setting], ...] = ()
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


@dataclass(frozen=True)
class StudyResult:
    """Everything the report, the tracker and the terminal show about one study.

    Args:
        name: study name.
        config: the resolved configuration as plain data.
        objective: name of the metric that was minimised, as its loss.
        records: all trials, by number; ``records[0]`` is the unpatched baseline.
        front: non-dominated members, slowest first.
        baseline: the unpatched pipeline, audited (name ``"unpatched"``).
        cost_table_error: mean relative error of the cost table against end-to-end times;
            ``cost_table_worst``: the largest.
        damage_rank: Spearman correlation of predicted damage and FID over complete trials; ``None``
            where nothing was calibrated.
        rivals: the unpatched model with fewer steps, slowest first.
        device: device name; ``versions``: library versions by name.
        command: command that started the study.
    """

    name: str
    config: Mapping[str, object]
    objective: str
    records: tuple[TrialRecord, ...]
    front: tuple[FrontMember, ...]
    baseline: FrontMember | None
    cost_table_error: float | None
    device: str
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    damage_rank: float | None = None
    cost_table_worst: float | None = None
    rivals: tuple[Rival, ...] = ()
