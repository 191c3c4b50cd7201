"""``status``, ``front``, ``export`` and ``report``: show a study without running anything."""

from __future__ import annotations

import argparse
import json
import shutil
from collections import Counter

from dato import load_preset
from search.cli.sweep_watchers import wide_console
from search.errors import UserError
from search.launch.study_result import current_result, write_presets
from search.metrics import FIDS
from search.records.folder import StudyFolder
from search.records.members import member_latency, member_speedup
from search.records.progress import metric_value
from search.report import write_report
from search.report.front_table import front_table
from search.settings.compose import load_config
from search.study.budget import Budget, Spent


def status(options: argparse.Namespace) -> int:
    """Trials by state, the used budget, failures and times."""
    folder = StudyFolder.open(options.folder)
    config = load_config(folder.config)
    result = current_result(config, folder)
    counts = Counter(record.state for record in result.records)
    budget = Budget.of(config.budget)
    print(f"{result.name}: {budget.describe(Spent.by(result.records))}")
    print("  " + ", ".join(f"{count} {state}" for state, count in sorted(counts.items())))
    for reason, count in Counter(
        record.reason for record in result.records if record.state == "fail"
    ).most_common(5):
        print(f"  failed {count}x: {reason}")
    print(f"  front: {len(result.front)} schedules")
    seconds = sum(record.seconds for record in result.records)
    if seconds > 0:
        overhead = sum(record.overhead_s for record in result.records)
        metric = sum(record.metric_s for record in result.records)
        images = sum(record.images for record in result.records)
        print(
            f"  {seconds:.0f} s in trials, {overhead / seconds:.1%} of it outside model and metric"
        )
        if images:
            work = seconds - overhead
            print(
                f"  {images / work:.2f} images/s through model and metric, "
                f"{metric / work:.1%} of that time in the metric"
            )
    if not budget.ended(result.records):
        print(f"  go on with: dato-search resume {folder.root}")
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
    config = load_config(folder.config)
    paths = write_presets(config, folder, current_result(config, folder))
    if not paths:
        raise UserError(
            "Cannot export presets: the study has no complete trial yet. Let the sweep go on first."
        )
    for path in paths:
        load_preset(path)
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
            for file in (path, path.with_suffix(".md")):
                shutil.copy(file, options.out / file.name)
        print((options.out or path.parent) / path.name)
    return 0


def report(options: argparse.Namespace) -> int:
    """Write the report again."""
    folder = StudyFolder.open(options.folder)
    print(write_report(current_result(load_config(folder.config), folder), folder))
    return 0
