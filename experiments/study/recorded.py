"""The study that is recorded here, and which of its trials are shipped."""

from __future__ import annotations

from pathlib import Path

from dato import list_presets, load_preset
from search.records.files import result_from_json
from search.records.result import StudyResult

RECORDED = Path(__file__).parent / "planned"


def recorded() -> StudyResult:
    """The study behind the shipped presets."""
    texts = [(RECORDED / f"{name}.json").read_text("utf-8") for name in ("trials", "front")]
    return result_from_json(*texts)


def shipped_trials() -> dict[int, str]:
    """Names of the shipped presets of pocket by the trials that they are from."""
    return {load_preset(name).provenance.trial: name for name in list_presets(model="pocket")}
