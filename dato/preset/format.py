"""The preset format, versions 2 and 3, as a pydantic model: the source of reader and schema."""

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
VERSION = 3
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
    version: Literal[2, 3]
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


def version_of(contents: Contents) -> int:
    """The lowest version that can say what a preset holds, so that older readers take it too."""
    return 3 if contents.sampler.settings else 2


def to_plain(contents: Contents) -> dict[str, object]:
    """A preset as the plain data of its file, in the file's order."""
    model, sampler, origin = contents.model, contents.sampler, contents.provenance
    return {
        "format": FORMAT,
        "version": version_of(contents),
        "name": contents.name,
        "model": {**vars(model), "latent_size": list(model.latent_size)},
        "sampler": _sampler_to_plain(sampler),
        **schedule_to_dict(contents.schedule),
        "measured": None if contents.measured is None else _measured_to_plain(contents.measured),
        "provenance": {**vars(origin), "versions": dict(origin.versions)},
    }


def _sampler_to_plain(sampler: SamplerInfo) -> dict[str, object]:
    plain = dict(vars(sampler))
    settings = dict(plain.pop("settings"))
    return plain | ({"settings": settings} if settings else {})


def _measured_to_plain(measured: Measured) -> dict[str, object]:
    plain = dict(vars(measured))
    baseline = {"fid": plain.pop("baseline_fid"), "latency_s": plain.pop("baseline_latency_s")}
    return {**plain, "baseline": baseline}


def to_current(data: object) -> dict[str, object]:
    """The plain data of a file of any version, as version 2 or 3 would write it.

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
    if version < VERSION:
        _check_older(data, version)
    return {**data, "version": 2, "quantity": "output"} if version == 1 else data


def _check_older(data: dict[str, object], version: int) -> None:
    """Refuse what only newer versions define.

    Version 1 holds what the denoiser returns, and forecasts nothing; version 2 has no settings.
    """
    newer: list[tuple[str, int]] = []
    if version == 1:
        newer += [(key, 2) for key in ("weights", "quantity") if key in data]
        kinds = data.get("kinds")
        for name, kind in kinds.items() if isinstance(kinds, dict) else ():
            if isinstance(kind, dict) and "forecast" in kind:
                newer.append((f"kinds.{shorten(name)}.forecast", 2))
    sampler = data.get("sampler")
    if isinstance(sampler, dict) and "settings" in sampler:
        newer.append(("sampler.settings", 3))
    if newer:
        key, needed = newer[0]
        raise UnknownKeyError(
            f"Version {version} of the format does not define this key.",
            found=key,
            remedy=f'Write "version": {needed}.',
        )


def json_schema() -> dict[str, object]:
    """JSON Schema of the format, as published in ``dato/presets/schema.json``."""
    schema = PresetFile.model_json_schema()
    title = f"{FORMAT}, versions 2 and {VERSION}"
    return {"$schema": SCHEMA_ID, **schema, "title": title, **_SETTINGS_NEED_VERSION_3}


_SETTINGS_NEED_VERSION_3: dict[str, object] = {
    "if": {"properties": {"version": {"const": 2}}},
    "then": {"properties": {"sampler": {"properties": {"settings": False}}}},
}
