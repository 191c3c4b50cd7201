"""A study's result, from its storage and files, and the presets that are written from it."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from dato.preset import ModelInfo, SamplerInfo
from search.latency.cost_file import load_cost_table
from search.records.files import load_result, load_rivals
from search.records.folder import StudyFolder
from search.records.front import FrontMember
from search.records.members import named
from search.records.record import TrialRecord
from search.records.reference import read_reference, settings_of_bases
from search.records.result import StudyResult
from search.records.rival import Rival
from search.records.rivals import with_better_settings
from search.report.export import export_presets
from search.runs.retarget import other_tables, with_other_devices
from search.secrets import plain_without_passwords, without_passwords
from search.settings import Config
from search.study.front_choice import front_of
from search.study.storage import read_study
from search.study.trial_records import read_records

if TYPE_CHECKING:  # a result is read without torch
    from search.study.auditor import Audited

LIBRARIES = ("torch", "diffusers", "optuna", "torchmetrics")


def assemble(
    config: Config,
    folder: StudyFolder,
    records: Sequence[TrialRecord],
    *,
    audited: Audited | None = None,
    rivals: Sequence[Rival] | None = None,
    command: str = "",
) -> StudyResult:
    """The result as far as it is known: from an audit, or from the records alone.

    Args:
        rivals: by default those that the study's folder holds.
    """
    objective = config.quality.objective
    table = load_cost_table(folder.cost_table)
    front = audited.front if audited else front_of(records, objective)
    errors = audited.cost_table_errors if audited else ()
    result = StudyResult(
        name=config.study.name,
        config=public_config(config),
        objective=objective,
        records=tuple(records),
        front=with_other_devices(front, table.work.topology, other_tables(folder)),
        baseline=audited.baseline if audited else _searched_baseline(records),
        cost_table_error=statistics.fmean(errors) if errors else None,
        cost_table_worst=max(errors, default=None),
        device=table.place.device,
        versions={"python": platform.python_version()}
        | {name: version(name) for name in LIBRARIES},
        command=without_passwords(command),
        rivals=with_better_settings(load_rivals(folder.rivals), objective)
        if rivals is None
        else tuple(rivals),
    )
    return result if audited is None else ranked(result, folder)


def ranked(result: StudyResult, folder: StudyFolder) -> StudyResult:
    """The result with how well its calibration foretold the trials, for the report. Reading a
    calibration loads torch."""
    from search.study.damage_rank import damage_rank

    return replace(result, damage_rank=damage_rank(folder, result.records, result.objective))


def with_more_trials(
    known: StudyResult, records: Sequence[TrialRecord], folder: StudyFolder
) -> StudyResult:
    """A result with trials that were added after it. Members that stay on the front keep what was
    audited of them."""
    audited = {member.record.number: member for member in known.front}
    front = [
        audited.get(member.record.number, member) for member in front_of(records, known.objective)
    ]
    topology = load_cost_table(folder.cost_table).work.topology
    return replace(
        known,
        records=tuple(records),
        front=with_other_devices(named(front), topology, other_tables(folder)),
    )


def public_config(config: Config) -> dict[str, object]:
    """The resolved configuration without passwords."""
    values = config.model_dump(mode="json")
    return {name: plain_without_passwords(value) for name, value in values.items()}


def current_result(config: Config, folder: StudyFolder) -> StudyResult:
    """The present result of a running or finished study, without running anything."""
    records = read_records(read_study(folder, config.storage))
    if folder.front.is_file():
        result = load_result(folder)
        if len(result.records) == len(records):
            return result
    return assemble(config, folder, records)


def write_presets(
    config: Config, folder: StudyFolder, result: StudyResult, target: StudyFolder | None = None
) -> tuple[Path, ...]:
    """Write the front as presets into the study folder, or into ``target``."""
    model, sampler, _ = preset_header(config, folder, result)
    return export_presets(
        result,
        target or folder,
        model=model,
        sampler=sampler,
        bases=settings_of_bases(folder, {record.base for record in result.records}),
        dominated=config.export.dominated,
    )


def preset_header(
    config: Config, folder: StudyFolder, result: StudyResult
) -> tuple[ModelInfo, SamplerInfo, str]:
    """Model, sampler and time of writing, as every preset of a study states them."""
    work = load_cost_table(folder.cost_table).work
    reference = read_reference(folder)
    known, settings = reference.fingerprint, reference.settings
    model = ModelInfo(
        id=config.model.id,
        # A denoiser that the engine does not look into counts as one branch.
        skip_branches=max(work.skip_branches, 1),
        fingerprint=known if known.startswith("sha256:") else "",
        latent_size=work.latent_size,
    )
    sampler = SamplerInfo(
        scheduler=work.scheduler,
        num_inference_steps=config.model.num_inference_steps,
        calls=work.calls,
        guidance_scale=config.model.guidance_scale,
        settings=settings or {},
        other_settings="any" if settings is None else "default",
    )
    return model, sampler, datetime.now(UTC).isoformat(timespec="seconds")


def _searched_baseline(records: Sequence[TrialRecord]) -> FrontMember | None:
    for record in records:
        if record.origin == "baseline" and record.state == "complete":
            return FrontMember("unpatched", record)
    return None
