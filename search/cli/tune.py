"""``tune``: members of a front as tuned samplers."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from search.cli.console import wide_console
from search.cli.interrupted import interrupted
from search.records.folder import StudyFolder
from search.runs.tune import TunedMember, run_tune
from search.settings.compose import load_config
from search.study.watching import PlainStages


def tune(options: argparse.Namespace) -> int:
    """Tune, judge, write presets, and print what it gained."""
    folder = StudyFolder.open(options.folder)
    try:
        tuned = run_tune(
            load_config(folder.config),
            folder,
            PlainStages(),
            members=options.members,
            iterations=options.iterations,
            images=options.images,
        )
    except KeyboardInterrupt:
        return interrupted("the study is unchanged. Tune again with the same command.")
    wide_console().print(table_of(tuned))
    for each in tuned:
        print(folder.presets / f"{each.after.name}.json")
    return 0


def table_of(tuned: Sequence[TunedMember]) -> Table:
    """Members before and after, and the rivals of as many calls, on the search's images."""
    table = Table()
    for column in ("", "calls", "FID to unpatched", "PSNR, dB"):
        table.add_column(column, justify="left" if not column else "right")
    for each in tuned:
        names = each.before.name, each.after.name
        calls = str(each.tuning.schedule.calls)
        for name, judged in zip(names, each.judged, strict=True):
            fid = f"{judged.quality.fid_reference:.3g}"
            table.add_row(escape(name), calls, fid, f"{judged.psnr:.1f}")
        for rival in each.rivals:
            fid = f"{rival.quality.fid_reference:.3g}"
            table.add_row(escape(f"rival: {rival.name}"), str(rival.calls), fid, "")
    return table
