"""The card of a preset that a study exports: how to run it, and what the study knows besides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dato.pocket.names import FOLDERS
from dato.preset import Preset, SamplerInfo
from search.records.findings import beside_fewer_steps
from search.records.front import FrontMember
from search.records.headline_text import preset_text
from search.records.result import StudyResult
from search.records.tuned import tuned_text


def preset_card(
    preset: Preset, path: Path, member: FrontMember, result: StudyResult, sampler: SamplerInfo
) -> str:
    """Markdown for the file beside ``path``, which holds the preset.

    Args:
        sampler: the study's own.
    """
    said = [
        _unpatched(sampler, preset.sampler),
        tuned_text(member, result),
        preset_text(member, result),
        beside_fewer_steps(member, result),
    ]
    card = preset.card(path.name, _pipeline(result))
    return card + "".join(f"\n{sentence}\n" for sentence in said if sentence)


def _unpatched(sampler: SamplerInfo, base: SamplerInfo) -> str:
    """What a preset on another base was compared with; empty on the study's own sampler."""
    if base == sampler:
        return ""
    return (
        f"Unpatched is the model with {sampler.scheduler} and {sampler.num_inference_steps} steps."
    )


def _pipeline(result: StudyResult) -> str | None:
    """The folder, whole so that it is found from any other, or the hub id that the study loaded;
    ``None`` where its configuration is gone."""
    settings = result.config.get("model")
    if not isinstance(settings, Mapping) or "path" not in settings:
        return None
    path = str(settings["path"])
    return str(Path(path).absolute()) if path not in FOLDERS and Path(path).is_dir() else path
