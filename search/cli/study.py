"""``status``, ``front``, ``export`` and ``report``: show a study without running anything."""

from __future__ import annotations

import argparse
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from dato import load_preset
from search.cli.console import wide_console
from search.cli.places import check_folder_place
from search.errors import UNUSABLE, UserError
from search.metrics import FIDS
from search.records.folder import StudyFolder
from search.records.members import member_latency, member_speedup
from search.records.progress import metric_value
from search.report.front_table import front_table
from search.runs.result import current_result, ranked, write_presets
from search.settings.compose import load_config
from search.study.budget import Budget, Spent


def status(options: argparse.Namespace) -> int:
    """Trials by state, the used budget, failures and times."""
    folder = StudyFolder.open(options.folder)
    config = load_config(folder.config)
    result = current_result(config, folder)
    counts = Counter(record.outcome for record in result.records)
    budget = Budget.of(config.budget)
    print(f"{result.name}: {budget.describe(Spent.by(result.records))}")
    print("  " + ", ".join(f"{count} {state}" for state, count in sorted(counts.items())))
    for reason, count in Counter(
        record.reason for record in result.records if record.outcome == "fail"
    ).most_common(5):
        print(f"  failed {count}x: {reason}")
    print(f"  front: {len(result.front)} schedules")
    seconds = sum(record.seconds for record in result.records)
    if seconds > 0:
        overhead = sum(record.overhead_s for record in result.records)
        print(
            f"  {seconds:.0f} s in trials, {overhead / seconds:.1%} of it outside model and metric"
        )
        plain = [record for record in result.records if record.tuned_from is None]
        images = sum(record.images for record in plain)
        if images:
            work = sum(record.seconds - record.overhead_s for record in plain)
            metric = sum(record.metric_s for record in plain)
            print(
                f"  {images / work:.2f} images/s through model and metric, "
                f"{metric / work:.1%} of that time in the metric"
            )
    if not budget.ended(result.records):
        print(f"  go on with: {folder.go_on}")
    return 0


def front(options: argparse.Namespace) -> int:
    """The front as a table or as JSON."""
    folder = StudyFolder.open(options.folder)
    result = current_result(load_config(folder.config), folder)
    if options.json:
        rows = [
            {
                "name": member.name,
                "trial": member.record.number,
                "fid": metric_value(member.record.quality, _fid_name(result.objective)),
                **(member.record.quality.metrics if member.record.quality else {}),
                "latency_s": member_latency(member),
                "speedup": member_speedup(member),
            }
            for member in result.front
        ]
        print(json.dumps(rows, indent=2))
    else:
        wide_console().print(front_table(result))
    return 0


def _fid_name(objective: str) -> str:
    return objective if objective in FIDS else FIDS[0]


def export(options: argparse.Namespace) -> int:
    """Presets of the front with their cards, in the study folder and where asked."""
    folder = StudyFolder.open(options.folder)
    if options.out is not None:
        check_folder_place("--out", options.out)
    config = load_config(folder.config, options.overrides)
    result = current_result(config, folder)
    with ExitStack() as stack:
        target = folder
        stack.enter_context(_written(folder, "Give another folder by --out"))
        if options.out is not None:  # the study may be one that is only read
            target = StudyFolder(Path(stack.enter_context(TemporaryDirectory())))
        paths = write_presets(config, folder, result, target)
        if not paths and result.front:
            raise UserError(
                f"No preset was written: fewer steps dominate all {len(result.front)} members of "
                "the front. Search longer, or add export.dominated=true."
            )
        if not paths:
            raise UserError(
                "Cannot export presets: the study has no complete trial yet. Let the sweep go on "
                "first."
            )
        for path in paths:
            load_preset(path)
            print(path if options.out is None else _copied(path, options.out))
    return 0


@contextmanager
def _written(folder: StudyFolder, remedy: str) -> Iterator[None]:
    """Say which study cannot be written inside the block, and what to do."""
    try:
        yield
    except OSError as error:
        inside = error.filename and folder.root in Path(error.filename).parents
        if error.errno not in UNUSABLE or not inside:
            raise
        raise UserError(
            f"Cannot write in the study folder {str(folder.root)!r}: {error.strerror}. {remedy}."
        ) from error


def _copied(preset: Path, folder: Path) -> Path:
    """Copy a preset and its card; the preset's path there."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (preset, preset.with_suffix(".md")):
        shutil.copy(file, folder / file.name)
    return folder / preset.name


def report(options: argparse.Namespace) -> int:
    """Write the report again."""
    from search.report.page import write_report

    folder = StudyFolder.open(options.folder)
    result = current_result(load_config(folder.config), folder)
    if result.damage_rank is None:
        result = ranked(result, folder)
    with _written(folder, "Make it writable, or copy it to where you can write"):
        print(write_report(result, folder))
    return 0
