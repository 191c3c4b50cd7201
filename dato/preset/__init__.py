"""Presets: a schedule with the model, sampler and measurements that it belongs to, as JSON."""

from __future__ import annotations

from dato.preset.format import json_schema
from dato.preset.info import Measured, ModelInfo, Provenance, SamplerInfo
from dato.preset.preset import Preset

__all__ = ["Measured", "ModelInfo", "Preset", "Provenance", "SamplerInfo", "json_schema"]
