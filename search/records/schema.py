"""The shapes of ``trials.json`` and ``front.json``: strict, versioned, data only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dato import Kind, Schedule, Tokens
from dato.preset.format import MAX_KINDS, MAX_STEPS, KindName
from search.metrics import metric
from search.records.record import (
    Audit,
    FrontMember,
    Origin,
    Quality,
    State,
    StudyResult,
    Timing,
    TrialRecord,
)


def _metric(name: str) -> str:
    return metric(name[:100]).name


Integer = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class Wire(BaseModel):
    """Base: no unknown keys, no coercion, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class TokensWire(Wire):
    patch: tuple[Integer, Integer]
    dynamics_weight: float
    noise_weight: float
    protect: float
    share: Literal["level", "layer"]


class KindWire(Wire):
    depth: Integer | Literal["full"]
    prune: Annotated[dict[KindName, float], Field(max_length=MAX_KINDS)] = {}


class ScheduleWire(Wire):
    kinds: Annotated[dict[KindName, KindWire], Field(max_length=MAX_KINDS)]
    steps: Annotated[tuple[KindName, ...], Field(max_length=MAX_STEPS)]
    tokens: TokensWire

    def to_schedule(self) -> Schedule:
        """Raises ScheduleError when the schedule breaks one of its own rules."""
        kinds = {name: Kind(kind.depth, kind.prune) for name, kind in self.kinds.items()}
        return Schedule(kinds, self.steps, Tokens(**self.tokens.model_dump()))


def schedule_to_dict(schedule: Schedule) -> dict[str, Any]:
    """A schedule as plain data, laid out as in a preset."""
    tokens = schedule.tokens
    return {
        "kinds": {
            name: {"depth": kind.depth, "prune": dict(kind.prune)}
            for name, kind in schedule.kinds.items()
        },
        "steps": list(schedule.steps),
        "tokens": {
            "patch": list(tokens.patch),
            "dynamics_weight": tokens.dynamics_weight,
            "noise_weight": tokens.noise_weight,
            "protect": tokens.protect,
            "share": tokens.share,
        },
    }


class QualityWire(Wire):
    fid_real: float | None
    fid_reference: float | None
    distance: float | None
    images: Integer
    metrics: Annotated[dict[str, float], Field(max_length=100)] = {}

    def to_quality(self) -> Quality:
        def number(value: float | None) -> float:
            return math.nan if value is None else value

        return Quality(
            number(self.fid_real),
            number(self.fid_reference),
            number(self.distance),
            self.images,
            self.metrics,
        )


class TrialWire(Wire):
    number: Integer
    state: State
    origin: Origin
    params: dict[str, Integer | float | str]
    schedule: ScheduleWire | None
    latency_s: float | None
    speedup: float | None
    distance: float | None
    quality: QualityWire | None
    seconds: float
    overhead_s: float
    reason: str
    images: Integer = 0
    violations: dict[str, float] = {}
    rung_fid: float | None = None
    metric_s: float = 0.0

    def to_record(self) -> TrialRecord:
        """Raises ScheduleError when its schedule breaks a rule."""
        plain = self.model_dump(exclude={"schedule", "quality"})
        return TrialRecord(
            **plain,
            schedule=None if self.schedule is None else self.schedule.to_schedule(),
            quality=None if self.quality is None else self.quality.to_quality(),
        )


class TimingWire(Wire):
    latency_s: float
    spread_s: float
    repeats: Integer


class AuditWire(Wire):
    reference_interval: tuple[float, float]
    matched_fid: float | None
    matched_interval: tuple[float, float] | None = None
    kid_real: float | None
    kid_reference: float
    psnr: float
    ssim: float
    perceptual: float
    beaten_by: str
    interval: tuple[float, float] | None = None


class MemberWire(Wire):
    name: str
    record: TrialWire
    heldout: QualityWire | None
    interval: tuple[float, float] | None
    timing: TimingWire | None
    speedup: float | None
    elsewhere: dict[str, float] = {}
    audit: AuditWire | None = None

    def to_member(self) -> FrontMember:
        """Raises ScheduleError when its schedule breaks a rule."""
        return FrontMember(
            name=self.name,
            record=self.record.to_record(),
            heldout=None if self.heldout is None else self.heldout.to_quality(),
            interval=self.interval,
            timing=None if self.timing is None else Timing(**self.timing.model_dump()),
            speedup=self.speedup,
            elsewhere=self.elsewhere,
            audit=None if self.audit is None else Audit(**self.audit.model_dump()),
        )


class TrialsFile(Wire):
    format: Literal["dato-trials"]
    version: Literal[1]
    trials: tuple[TrialWire, ...]


class MembersFile(Wire):
    format: Literal["dato-members"]
    version: Literal[1]
    members: tuple[MemberWire, ...]


class FrontFile(Wire):
    format: Literal["dato-front"]
    version: Literal[1]
    name: str
    objective: Annotated[str, AfterValidator(_metric)]
    device: str
    command: str
    versions: Mapping[str, str]
    cost_table_error: float | None
    cost_table_worst: float | None = None
    damage_rank: float | None = None
    baseline: MemberWire | None
    front: tuple[MemberWire, ...]
    config: dict[str, Any]

    def to_result(self, records: tuple[TrialRecord, ...]) -> StudyResult:
        """The whole result, with the trials of ``trials.json``."""
        return StudyResult(
            name=self.name,
            config=self.config,
            objective=self.objective,
            records=records,
            front=tuple(member.to_member() for member in self.front),
            baseline=None if self.baseline is None else self.baseline.to_member(),
            cost_table_error=self.cost_table_error,
            cost_table_worst=self.cost_table_worst,
            damage_rank=self.damage_rank,
            device=self.device,
            versions=dict(self.versions),
            command=self.command,
        )
