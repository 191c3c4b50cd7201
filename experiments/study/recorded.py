"""The studies that are recorded here, and which of their trials are shipped."""

from __future__ import annotations

from pathlib import Path

from dato import list_presets, load_preset
from search.records.files import result_from_json
from search.records.result import StudyResult

HERE = Path(__file__).parent
RECORDED = {"pocket": HERE / "planned", "pocket-flow": HERE / "flow"}
"""Folders of the studies behind the shipped presets, by model."""


def recorded(model: str = "pocket") -> StudyResult:
    """The study behind a model's shipped presets."""
    texts = [(RECORDED[model] / f"{name}.json").read_text("utf-8") for name in ("trials", "front")]
    return result_from_json(*texts)


def shipped_trials(model: str = "pocket") -> dict[int, str]:
    """Names of a model's shipped presets by the trials that they are from."""
    return {load_preset(name).provenance.trial: name for name in list_presets(model=model)}
