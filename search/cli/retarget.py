"""``retarget``: a finished study's front and presets for another device."""

from __future__ import annotations

import argparse
from pathlib import Path

from search.cli.console import wide_console
from search.errors import UserError
from search.latency.cost_file import load_cost_table, require_same_work
from search.records.files import save_result
from search.records.folder import StudyFolder
from search.records.reference import settings_of_bases
from search.report.export import export_presets
from search.report.front_table import front_table
from search.runs.result import current_result, preset_header
from search.runs.retarget import retargeted
from search.settings.compose import load_config


def retarget(options: argparse.Namespace) -> int:
    """Price every trial by the table, and write the front that results."""
    folder = StudyFolder.open(options.folder)
    config = load_config(folder.config)
    table = load_cost_table(options.table)
    require_same_work(load_cost_table(folder.cost_table).work, table, str(options.table))
    result = retargeted(current_result(config, folder), table, config.limits())
    if not result.front:
        raise UserError(
            "The front for that device is empty: no complete trial keeps the constraints there. "
            "Give another table, or a study with more trials."
        )
    root: Path = options.out or folder.root / "retarget" / table.name
    if (root / "config.yaml").exists():
        raise UserError(f"Cannot write to {str(root)!r}: it holds a study. Choose another --out.")
    model, sampler, _ = preset_header(config, folder, result)
    target = StudyFolder.create(root)
    paths = export_presets(
        result,
        target,
        model=model,
        sampler=sampler,
        bases=settings_of_bases(folder, {record.base for record in result.records}),
        dominated=config.export.dominated,
    )
    table.save(target.cost_table)
    save_result(result, target)
    wide_console().print(front_table(result))
    print(f"{len(paths)} presets for {table.place.label}, their latency predicted from its table:")
    print(target.presets)
    return 0
