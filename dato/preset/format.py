"""The preset format as a pydantic model: the source of reader and schema."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dato.preset.contents import Contents
from dato.preset.fields import Name, NotNegative, Positive, StrictModel, Text
from dato.preset.info import FidTo, Measured, ModelInfo, Prompts, Provenance, SamplerInfo
from dato.preset.schedule_entry import ScheduleEntry, schedule_to_dict
from dato.preset.versions import FORMAT, OLDEST_WRITTEN, VERSION, needed, schema_rules

UNSAID = ("fid_to", "features", "prompts", "prompt_count")
"""Keys of ``measured`` that a file leaves out where they are empty."""
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
    fid_to: FidTo = ""
    features: Text = ""
    prompts: Prompts = ""
    prompt_count: Annotated[int, Field(ge=0)] = 0
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
    version: Literal[2, 3, 4]
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
    return needed(_body(contents))


def to_plain(contents: Contents) -> dict[str, object]:
    """A preset as the plain data of its file, in the file's order."""
    body = _body(contents)
    return {"format": FORMAT, "version": needed(body), **body}


def _body(contents: Contents) -> dict[str, object]:
    model, origin = contents.model, contents.provenance
    return {
        "name": contents.name,
        "model": {**vars(model), "latent_size": list(model.latent_size)},
        "sampler": _sampler_to_plain(contents.sampler),
        **schedule_to_dict(contents.schedule),
        "measured": None if contents.measured is None else _measured_to_plain(contents.measured),
        "provenance": {**vars(origin), "versions": dict(origin.versions)},
    }


def _sampler_to_plain(sampler: SamplerInfo) -> dict[str, object]:
    plain = dict(vars(sampler))
    settings, others = dict(plain.pop("settings")), plain.pop("other_settings")
    scales, timesteps = plain.pop("guidance_range"), list(plain.pop("timesteps"))
    return {
        **plain,
        **({"settings": settings} if settings else {}),
        **({"other_settings": others} if others != "any" else {}),
        **({"guidance_range": list(scales)} if scales else {}),
        **({"timesteps": timesteps} if timesteps else {}),
    }


def _measured_to_plain(measured: Measured) -> dict[str, object]:
    plain = {
        name: getattr(measured, name) for name in MeasuredEntry.model_fields if name != "baseline"
    }
    said = {name: value for name, value in plain.items() if name not in UNSAID or value}
    baseline = {"fid": measured.baseline_fid, "latency_s": measured.baseline_latency_s}
    return {**said, "baseline": baseline}


def json_schema() -> dict[str, object]:
    """JSON Schema of the format, as published in ``dato/presets/schema.json``."""
    schema = PresetFile.model_json_schema()
    title = f"{FORMAT}, versions {OLDEST_WRITTEN} to {VERSION}"
    return {"$schema": SCHEMA_ID, **schema, "title": title, **schema_rules()}
