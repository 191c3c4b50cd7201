"""The front as preset files that ``dato.apply`` runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from dato.files import replace_text
from dato.preset import ModelInfo, Preset, Provenance, SamplerInfo
from dato.preset.fields import Setting
from search.records.base_sampler import Base
from search.records.folder import StudyFolder
from search.records.front import FrontMember
from search.records.names import slug
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.records.rivals import exported
from search.records.tuned import before_tuning
from search.report.measured import measured_of
from search.report.preset_card import preset_card

BaseSettings = Mapping[Base, Mapping[str, Setting]]
NO_BASES: BaseSettings = {}

EXPORTED = re.compile(r"(speedup|tuned)-\d+(\.\d+)?x(-\d+)?\.(json|md)")
"""Names of files that an export may remove. Any other file in the folder is the user's."""


def export_presets(
    result: StudyResult,
    folder: StudyFolder,
    *,
    model: ModelInfo,
    sampler: SamplerInfo,
    bases: BaseSettings = NO_BASES,
    dominated: bool = False,
) -> tuple[Path, ...]:
    """Write the front's presets and their cards; remove those of an earlier export.

    Args:
        bases: the settings of other samplers than the study's own.
        dominated: also presets of the members that a rival dominates.

    Returns:
        The files, in the order of the front.
    """
    folder.presets.mkdir(parents=True, exist_ok=True)
    chosen = exported(result, dominated)
    names = _file_names(result.front)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    paths = []
    for member, name in zip(result.front, names, strict=True):
        if member not in chosen:
            continue
        runs_on = sampler_of(member.record, sampler, bases, result.records)
        preset = to_preset(result, member, name, model=model, sampler=runs_on, created=created)
        path = folder.presets / f"{name}.json"
        preset.save(path)
        card = preset_card(preset, path, member, result, sampler)
        replace_text(path.with_suffix(".md"), card)
        paths.append(path)
    for stale in sorted(folder.presets.iterdir()):
        if EXPORTED.fullmatch(stale.name) and stale.with_suffix(".json") not in paths:
            stale.unlink(missing_ok=True)
    return tuple(paths)


def to_preset(
    result: StudyResult,
    member: FrontMember,
    name: str,
    *,
    model: ModelInfo,
    sampler: SamplerInfo,
    created: str,
) -> Preset:
    """One member as a preset named ``<study>/<name>``.

    Args:
        sampler: that the member runs on.

    Raises:
        ValueError: the member has no schedule.
        dato.errors.PresetError: the schedule does not fit ``model`` or ``sampler``.
    """
    if member.record.schedule is None:
        raise ValueError(f"Cannot export the front member {member.name!r}: it has no schedule.")
    return Preset(
        name=f"{slug(result.name)}/{name}",
        model=model,
        sampler=sampler,
        schedule=member.record.schedule,
        measured=measured_of(result, member),
        provenance=Provenance(result.name, member.record.number, created, result.versions),
    )


def sampler_of(
    record: TrialRecord,
    study: SamplerInfo,
    bases: BaseSettings = NO_BASES,
    records: Sequence[TrialRecord] = (),
) -> SamplerInfo:
    """The sampler that a trial runs on: the study's, its base, or the one that it was tuned on in
    fewer steps.

    Args:
        bases: the settings of other samplers than the study's.
        records: of the study, where the trial may be tuned.
    """
    before = before_tuning(record, records)
    base = record.base
    if before is not None and base is not None and record.schedule is not None:
        tuned_on = sampler_of(before, study, bases)
        return replace(
            tuned_on,
            num_inference_steps=base.steps,
            calls=record.schedule.calls,
            guidance_range=record.tuned_from.guidance if record.tuned_from else None,
            timesteps=(),  # those of the tuned sampler are its own
        )
    if base is None or record.schedule is None:
        return study
    settings = bases.get(base, dict(base.settings))
    return SamplerInfo(
        base.scheduler,
        base.steps,
        record.schedule.calls,
        study.guidance_scale,
        settings,
        "default" if base in bases else "any",
        timesteps=base.timesteps.values,
    )


def _file_names(front: Sequence[FrontMember]) -> tuple[str, ...]:
    seen: set[str] = set()
    names = []
    for member in front:
        stem = slug(member.name)
        tries = (stem if n == 1 else f"{stem}-{n}" for n in range(1, len(front) + 2))
        name = next(name for name in tries if name.lower() not in seen)
        seen.add(name.lower())
        names.append(name)
    return tuple(names)
