"""``audit``: a study's front on held-out prompts, with more images and intervals."""

from __future__ import annotations

import argparse

from search.cli.console import wide_console
from search.cli.interrupted import interrupted
from search.cli.opening import opening_lines
from search.records.folder import StudyFolder
from search.records.members import renamed
from search.report.audit_table import audit_table
from search.runs.audit import run_audit
from search.runs.result import current_result
from search.settings.compose import load_config
from search.study.watching import PlainStages


def audit(options: argparse.Namespace) -> int:
    """Audit the front, or some of its members."""
    folder = StudyFolder.open(options.folder)
    config = load_config(folder.config)
    for line in opening_lines(config, options.images):
        print(line, flush=True)
    before = current_result(config, folder)
    try:
        result = run_audit(
            config,
            folder,
            PlainStages(),
            images=options.images,
            seed=options.seed,
            repeats=options.repeats,
            members=options.members,
        )
    except KeyboardInterrupt:
        return interrupted(
            "the study is unchanged, and the audited members are kept. Go on with the same command."
        )
    wide_console().print(audit_table(result))
    for line in renamed(before.front, result.front):
        print(line)
    print(folder.report)
    return 0
