"""The shapes of ``trials.json``, ``front.json`` and ``rivals.json``: strict, versioned, data only.

Most values are read by their own types. A ``Wire`` is what a file holds of a value that is written
otherwise, or of which a file has to say more: there every key stands, ``null`` where nothing is
known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from dato import Schedule
from dato.preset.fields import Several, StrictModel
from dato.preset.schedule_entry import ScheduleEntry
from dato.preset.schedule_entry import schedule_to_dict as schedule_to_dict
from dato.schedule import Quantity
from search.metrics import metric
from search.records.base_sampler import Base
from search.records.fields import Integer, read_from
from search.records.front import Audit, FrontMember, Timing
from search.records.quality import Quality
from search.records.record import Origin, State, TrialRecord, TunedFrom
from search.records.result import StudyResult
from search.records.rival import Rival


def _metric(name: str) -> str:
    return metric(name[:100]).name


class ScheduleWire(ScheduleEntry):
    """A schedule as in a preset. Files that are older than forecasts name no quantity."""

    quantity: Quantity = "output"


class TrialWire(StrictModel):
    """Its schedule raises ScheduleError when it breaks a rule."""

    number: Integer
    state: State
    origin: Origin
    params: dict[str, Integer | float | str]
    schedule: Annotated[Schedule, read_from(ScheduleWire, ScheduleWire.to_schedule)] | None
    latency_s: float | None
    speedup: float | None
    distance: float | None
    quality: Quality | None
    seconds: float
    overhead_s: float
    reason: str
    images: Integer = 0
    violations: dict[str, float] = Field(default_factory=dict)
    rung_fid: float | None = None
    metric_s: float = 0.0
    base: Base | None = None
    unpatched_calls: Integer | None = None
    tuned_from: TunedFrom | None = None

    def to_record(self) -> TrialRecord:
        """The trial."""
        return TrialRecord(**vars(self))


class MemberWire(StrictModel):
    name: str
    record: TrialWire
    heldout: Quality | None
    interval: tuple[float, float] | None
    timing: Timing | None
    timed_speedup: Annotated[float | None, Field(alias="speedup")]
    elsewhere: dict[str, float] = Field(default_factory=dict)
    audit: Audit | None = None

    def to_member(self) -> FrontMember:
        """The member, with its trial."""
        return FrontMember(**vars(self) | {"record": self.record.to_record()})


class TrialsFile(StrictModel):
    format: Literal["dato-trials"]
    version: Literal[1]
    trials: Annotated[tuple[TrialWire, ...], Several]


class MembersFile(StrictModel):
    format: Literal["dato-members"]
    version: Literal[1]
    members: Annotated[tuple[MemberWire, ...], Several]


class RivalsFile(StrictModel):
    format: Literal["dato-rivals"]
    version: Literal[1]
    rivals: Annotated[tuple[Rival, ...], Several]


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
    rivals: Annotated[tuple[Rival, ...], Several] = ()
    config: dict[str, Any]

    def to_result(self, records: tuple[TrialRecord, ...]) -> StudyResult:
        """The whole result, with the trials of ``trials.json``."""
        plain = {name: getattr(self, name) for name in FRONT_FIELDS}
        nested = {
            "records": records,
            "front": tuple(member.to_member() for member in self.front),
            "baseline": None if self.baseline is None else self.baseline.to_member(),
        }
        return StudyResult(**plain | nested)


FRONT_FIELDS = tuple(name for name in FrontFile.model_fields if name not in ("format", "version"))
"""What ``front.json`` holds of a :class:`StudyResult`, in the order of the file."""
