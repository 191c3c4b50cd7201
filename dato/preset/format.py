"""The preset format, version 1, as pydantic models: the one source of reader and JSON Schema.

Types, spellings and sizes are checked here. What a schedule itself rules (first call full, ratios,
token settings) is left to :mod:`dato.schedule`; the schema publishes those bounds all the same.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT = "dato-preset"
VERSION = 1
MAX_KINDS = 1_024
MAX_STEPS = 10_000
SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"

Text = Annotated[str, Field(max_length=1_000)]
_PART = "[A-Za-z0-9][A-Za-z0-9_.+-]*"
Name = Annotated[str, Field(max_length=200, pattern=f"^{_PART}(/{_PART})*$")]
KindName = Annotated[str, Field(min_length=1, max_length=200)]
LayerName = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$")]
Size = Annotated[int, Field(ge=1, le=65_536)]
Count = Annotated[int, Field(ge=1, le=MAX_STEPS)]
Weight = Annotated[float, Field(json_schema_extra={"minimum": 0})]
Share = Annotated[float, Field(json_schema_extra={"minimum": 0, "maximum": 1})]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class Wire(BaseModel):
    """Strict: no unknown keys, no conversions (``1.0`` is no integer, ``true`` no number)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class ModelWire(Wire):
    """The model that the preset was searched on."""

    id: Annotated[str, Field(min_length=1, max_length=1_000)]
    skip_branches: Annotated[int, Field(ge=1, le=1_000)]
    fingerprint: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")]
    latent_size: Annotated[list[Size], Field(min_length=2, max_length=2)]


class SamplerWire(Wire):
    """How the pipeline is run."""

    scheduler: Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    num_inference_steps: Count
    calls: Count
    guidance_scale: NotNegative


class TokensWire(Wire):
    """How tokens are selected."""

    patch: Annotated[
        list[Annotated[int, Field(le=256, json_schema_extra={"minimum": 1})]],
        Field(min_length=2, max_length=2),
    ]
    dynamics_weight: Weight
    noise_weight: Weight
    protect: Share
    share: Literal["level", "layer"]


class KindWire(Wire):
    """What one call does."""

    depth: Literal["full"] | Annotated[int, Field(json_schema_extra={"minimum": 0})]
    prune: Annotated[
        dict[LayerName, Share],
        Field(max_length=MAX_KINDS, json_schema_extra={"additionalProperties": False}),
    ] = {}


class BaselineWire(Wire):
    """The unpatched model's numbers, measured in the same way."""

    fid: NotNegative
    latency_s: Positive


class MeasuredWire(Wire):
    """What was measured when the preset was exported."""

    fid: NotNegative
    latency_s: Positive
    speedup: Positive
    device: Text
    images: Annotated[int, Field(ge=1)]
    baseline: BaselineWire


class ProvenanceWire(Wire):
    """Where the preset came from."""

    study: Text
    trial: Annotated[int, Field(ge=0)]
    created: Text
    versions: Annotated[dict[Text, Text], Field(max_length=1_000)]


class PresetWire(Wire):
    """A prune/cache schedule with the model, sampler and measurements that it belongs to."""

    format: Literal["dato-preset"]
    version: Literal[1]
    name: Name
    model: ModelWire
    sampler: SamplerWire
    tokens: TokensWire
    kinds: Annotated[dict[KindName, KindWire], Field(max_length=MAX_KINDS)]
    steps: Annotated[list[KindName], Field(max_length=MAX_STEPS)]
    measured: MeasuredWire | None
    provenance: ProvenanceWire


OBJECTS: dict[str, type[Wire]] = {
    "": PresetWire,
    "model": ModelWire,
    "sampler": SamplerWire,
    "tokens": TokensWire,
    "kinds": KindWire,
    "measured": MeasuredWire,
    "measured.baseline": BaselineWire,
    "provenance": ProvenanceWire,
}
"""The model of each object in a file, by its place; ``"kinds"`` stands for each kind."""


def json_schema() -> dict[str, object]:
    """JSON Schema of the format, as published in ``dato/presets/schema.json``."""
    schema = PresetWire.model_json_schema()
    return {"$schema": SCHEMA_ID, **schema, "title": f"{FORMAT}, version {VERSION}"}
