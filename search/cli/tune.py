"""``tune``: members of a front as tuned samplers."""

from __future__ import annotations

import argparse
import shlex

from rich.markup import escape
from rich.table import Table

from search.cli.console import wide_console
from search.cli.interrupted import interrupted
from search.metrics import metric
from search.records.folder import StudyFolder
from search.records.progress import metric_value
from search.records.quality import Quality
from search.records.tuned import before_tuning, left_out_text
from search.report.cells import metric_text, number
from search.runs.tune import Tuned, run_tune
from search.settings.compose import load_config
from search.study.watching import PlainStages


def tune(options: argparse.Namespace) -> int:
    """Tune, judge, add to the study, and print what it gained and what audits it."""
    folder = StudyFolder.open(options.folder)
    try:
        tuned = run_tune(
            load_config(folder.config),
            folder,
            PlainStages(),
            members=options.members,
            asked={name: getattr(options, name) for name in ("iterations", "images", "guidance")},
        )
    except KeyboardInterrupt:
        return interrupted("members that are tuned are kept. Go on with the same command.")
    wide_console().print(table_of(tuned))
    names = {member.record.number: member.name for member in tuned.result.front}
    for record in tuned.trials:
        if record.number not in names:
            print(left_out_text(record, tuned.result.records))
            continue
        path = folder.presets / f"{names[record.number]}.json"
        if path.is_file():
            print(path)
        audit = ["dato-search", "audit", str(folder.root), "--members", f"trial-{record.number}"]
        print(f"audit it:   {shlex.join(audit)}")
    return 0


def table_of(tuned: Tuned) -> Table:
    """Members before and after, and the rivals of as many calls, on the search's images."""
    result, table = tuned.result, Table()
    asked = metric(result.objective)
    for column in ("", "calls", "speed-up", asked.title):
        table.add_column(column, justify="left" if not column else "right")

    def add(name: str, calls: int, speedup: float | None, quality: Quality | None) -> None:
        value = metric_text(metric_value(quality, asked.name), asked)
        table.add_row(escape(name), str(calls), number(speedup, ".2f", "x"), value)

    names = {member.record.number: member.name for member in result.front}
    for record in tuned.trials:
        before = before_tuning(record, result.records)
        calls = record.schedule.calls if record.schedule else 0
        if before is not None:
            name = names.get(before.number, f"trial {before.number}")
            add(name, calls, before.speedup, before.quality)
        name = names.get(record.number, f"trial {record.number}")
        add(f"{name}, tuned", calls, record.speedup, record.quality)
        for rival in result.rivals:
            if rival.calls == calls:
                add(f"rival: {rival.name}", calls, rival.priced_speedup, rival.quality)
    return table
