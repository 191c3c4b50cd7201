"""The shapes of ``trials.json``, ``front.json`` and ``rivals.json``: strict, versioned, data only.

A ``Wire`` is what a file holds of the value that it is named after.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from dato.preset.fields import MAX_SETTINGS, ClassName, Setting, SettingName, Several, StrictModel
from dato.preset.schedule_entry import ScheduleEntry
from dato.preset.schedule_entry import schedule_to_dict as schedule_to_dict
from dato.schedule import Quantity
from search.metrics import metric
from search.records.base_sampler import Base
from search.records.record import (
    Audit,
    FrontMember,
    Origin,
    Quality,
    Rival,
    State,
    StudyResult,
    Timing,
    TrialRecord,
    TunedFrom,
)
from search.records.timesteps import OWN_TIMESTEPS, Source, Timesteps


def _metric(name: str) -> str:
    return metric(name[:100]).name


Integer = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class ScheduleWire(ScheduleEntry):
    """A schedule as in a preset. Files that are older than forecasts name no quantity."""

    quantity: Quantity = "output"


class QualityWire(StrictModel):
    fid_real: float | None
    fid_reference: float | None
    distance: float | None
    images: Integer
    metrics: Annotated[dict[str, float], Field(max_length=100)] = Field(default_factory=dict)
    prompts: Annotated[int, Field(ge=0, lt=2**63)] = 0

    def to_quality(self) -> Quality:
        unmeasured = {name: math.nan for name, value in vars(self).items() if value is None}
        return Quality(**vars(self) | unmeasured)


Settings = Annotated[dict[SettingName, Setting], Field(max_length=MAX_SETTINGS), Several]


class TimestepsWire(StrictModel):
    source: Source
    values: Annotated[tuple[float, ...], Field(max_length=1_000), Several]

    def to_timesteps(self) -> Timesteps:
        return Timesteps(self.source, self.values)


def _timesteps(wire: TimestepsWire | None) -> Timesteps:
    return OWN_TIMESTEPS if wire is None else wire.to_timesteps()


class BaseWire(StrictModel):
    scheduler: ClassName
    steps: Annotated[int, Field(ge=1, le=10_000)]
    settings: Settings = Field(default_factory=dict)
    timesteps: TimestepsWire | None = None

    def to_base(self) -> Base:
        settings = tuple(sorted(self.settings.items()))
        return Base(self.scheduler, self.steps, settings, _timesteps(self.timesteps))


class TunedFromWire(StrictModel):
    trial: Annotated[int, Field(ge=0, lt=2**63)]
    iterations: Annotated[int, Field(ge=0, lt=2**63)]
    images: Annotated[int, Field(ge=0, lt=2**63)]
    cost: float
    guidance: tuple[float, float] | None = None


class TrialWire(StrictModel):
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
    violations: dict[str, float] = Field(default_factory=dict)
    rung_fid: float | None = None
    metric_s: float = 0.0
    base: BaseWire | None = None
    unpatched_calls: Integer | None = None
    tuned_from: TunedFromWire | None = None

    def to_record(self) -> TrialRecord:
        """Raises ScheduleError when its schedule breaks a rule."""
        nested = {
            "schedule": None if self.schedule is None else self.schedule.to_schedule(),
            "quality": None if self.quality is None else self.quality.to_quality(),
            "base": None if self.base is None else self.base.to_base(),
            "tuned_from": None if self.tuned_from is None else TunedFrom(**vars(self.tuned_from)),
        }
        return TrialRecord(**vars(self) | nested)


class AuditWire(StrictModel):
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


class MemberWire(StrictModel):
    name: str
    record: TrialWire
    heldout: QualityWire | None
    interval: tuple[float, float] | None
    timing: Timing | None
    speedup: float | None
    elsewhere: dict[str, float] = Field(default_factory=dict)
    audit: AuditWire | None = None

    def to_member(self) -> FrontMember:
        """Raises ScheduleError when its schedule breaks a rule."""
        nested = {
            "record": self.record.to_record(),
            "heldout": None if self.heldout is None else self.heldout.to_quality(),
            "audit": None if self.audit is None else Audit(**vars(self.audit)),
        }
        plain = vars(self).copy()
        timed = plain.pop("speedup")
        return FrontMember(**plain | nested, timed_speedup=timed)


class TrialsFile(StrictModel):
    format: Literal["dato-trials"]
    version: Literal[1]
    trials: Annotated[tuple[TrialWire, ...], Several]


class MembersFile(StrictModel):
    format: Literal["dato-members"]
    version: Literal[1]
    members: Annotated[tuple[MemberWire, ...], Several]


class RivalWire(StrictModel):
    scheduler: Annotated[str, Field(max_length=200)]
    steps: Annotated[int, Field(ge=1, le=10_000)]
    calls: Annotated[int, Field(ge=1, le=100_000)]
    latency_s: float
    speedup: float
    quality: QualityWire
    heldout: QualityWire | None = None
    timing: Timing | None = None
    timed_speedup: float | None = None
    seconds: float = 0.0
    settings: Settings = Field(default_factory=dict)
    effective: Settings = Field(default_factory=dict)
    timesteps: TimestepsWire | None = None

    def to_rival(self) -> Rival:
        nested = {
            "timesteps": _timesteps(self.timesteps),
            "settings": tuple(sorted(self.settings.items())),
            "effective": tuple(sorted(self.effective.items())),
            "quality": self.quality.to_quality(),
            "heldout": None if self.heldout is None else self.heldout.to_quality(),
        }
        plain = vars(self).copy()
        priced = plain.pop("speedup")
        return Rival(**plain | nested, priced_speedup=priced)


class RivalsFile(StrictModel):
    format: Literal["dato-rivals"]
    version: Literal[1]
    rivals: Annotated[tuple[RivalWire, ...], Several]


class FrontFile(StrictModel):
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
    front: Annotated[tuple[MemberWire, ...], Several]
    rivals: Annotated[tuple[RivalWire, ...], Several] = ()
    config: dict[str, Any]

    def to_result(self, records: tuple[TrialRecord, ...]) -> StudyResult:
        """The whole result, with the trials of ``trials.json``."""
        plain = {name: getattr(self, name) for name in FRONT_FIELDS}
        nested = {
            "records": records,
            "front": tuple(member.to_member() for member in self.front),
            "baseline": None if self.baseline is None else self.baseline.to_member(),
            "rivals": tuple(rival.to_rival() for rival in self.rivals),
        }
        return StudyResult(**plain | nested)


FRONT_FIELDS = tuple(name for name in FrontFile.model_fields if name not in ("format", "version"))
"""What ``front.json`` holds of a :class:`StudyResult`, in the order of the file."""
