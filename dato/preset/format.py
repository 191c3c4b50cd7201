"""The preset format, version 2, as a pydantic model: the one source of reader and JSON Schema."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dato.errors import (
    NewerVersionError,
    NotJsonError,
    TypeRuleError,
    UnknownKeyError,
    WrongFormatError,
)
from dato.preset.fields import Name, NotNegative, Positive, StrictModel, Text
from dato.preset.info import Contents, Measured, ModelInfo, Provenance, SamplerInfo
from dato.preset.parse import shorten
from dato.preset.schedule_entry import ScheduleEntry, schedule_to_dict

FORMAT = "dato-preset"
VERSION = 2
SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"


class BaselineEntry(StrictModel):
    """The unpatched model's numbers, measured in the same way."""

    fid: NotNegative
    latency_s: Positive


class MeasuredEntry(StrictModel):
    """What was measured when the preset was exported."""

    fid: NotNegative
    latency_s: Positive
    speedup: Positive
    device: Text
    images: Annotated[int, Field(ge=1)]
    baseline: BaselineEntry

    def to_measured(self) -> Measured:
        return Measured(
            **{name: value for name, value in vars(self).items() if name != "baseline"},
            baseline_fid=self.baseline.fid,
            baseline_latency_s=self.baseline.latency_s,
        )


class Head(StrictModel):
    """What a preset file says before its schedule."""

    format: Literal["dato-preset"]
    version: Literal[2]
    name: Name
    model: ModelInfo
    sampler: SamplerInfo


class PresetFile(ScheduleEntry, Head):
    """A prune/cache schedule with the model, sampler and measurements that it belongs to."""

    measured: MeasuredEntry | None
    provenance: Provenance

    def to_contents(self) -> Contents:
        """Raises PresetError or ScheduleError where parts contradict each other."""
        return Contents(
            self.name,
            self.model,
            self.sampler,
            self.to_schedule(),
            None if self.measured is None else self.measured.to_measured(),
            self.provenance,
        )


def to_plain(contents: Contents) -> dict[str, object]:
    """A preset as the plain data of its file, in the file's order."""
    model, sampler, origin = contents.model, contents.sampler, contents.provenance
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": contents.name,
        "model": {**vars(model), "latent_size": list(model.latent_size)},
        "sampler": dict(vars(sampler)),
        **schedule_to_dict(contents.schedule),
        "measured": None if contents.measured is None else _measured_to_plain(contents.measured),
        "provenance": {**vars(origin), "versions": dict(origin.versions)},
    }


def _measured_to_plain(measured: Measured) -> dict[str, object]:
    plain = dict(vars(measured))
    baseline = {"fid": plain.pop("baseline_fid"), "latency_s": plain.pop("baseline_latency_s")}
    return {**plain, "baseline": baseline}


def to_current(data: object) -> dict[str, object]:
    """The plain data of a file of any version, as version 2 would write it.

    Raises:
        PresetError: the file is no preset, its version is newer, or it has a key that its version
            lacks.
    """
    if not isinstance(data, dict):
        raise NotJsonError(
            "The file holds no JSON object.", found=shorten(data), remedy="Start it with {."
        )
    if data.get("format") != FORMAT:
        raise WrongFormatError(
            f'The file is no preset: it has no "format": "{FORMAT}".',
            found=shorten(data.get("format")),
            remedy="Is this the file you meant?",
        )
    version = data.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise TypeRuleError(
            "The version is no integer from 1 on.", found=shorten(version), remedy=f"Use {VERSION}."
        )
    if version > VERSION:
        raise NewerVersionError(
            f"The preset is newer than this dato, which reads versions up to {VERSION}.",
            found=version,
            remedy="Upgrade dato, or export the preset again with this version.",
        )
    return _from_version_1(data) if version == 1 else data


def _from_version_1(data: dict[str, object]) -> dict[str, object]:
    """Presets of version 1 hold what the denoiser returns, and forecast nothing."""
    kinds = data.get("kinds")
    newer: list[str] = [key for key in ("weights", "quantity") if key in data]
    for name, kind in kinds.items() if isinstance(kinds, dict) else ():
        if isinstance(kind, dict) and "forecast" in kind:
            newer.append(f"kinds.{shorten(name)}.forecast")
    if newer:
        raise UnknownKeyError(
            "Version 1 of the format does not define this key.",
            found=newer[0],
            remedy='Write "version": 2.',
        )
    return {**data, "version": VERSION, "quantity": "output"}


def json_schema() -> dict[str, object]:
    """JSON Schema of the format, as published in ``dato/presets/schema.json``."""
    schema = PresetFile.model_json_schema()
    return {"$schema": SCHEMA_ID, **schema, "title": f"{FORMAT}, version {VERSION}"}
