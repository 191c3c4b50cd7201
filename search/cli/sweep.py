"""``sweep`` and ``resume``: run a study to its budget and show the result."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from dato.files import replace_text
from search.cli.closing import closing_lines
from search.cli.console import wide_console
from search.cli.interrupted import interrupted
from search.cli.opening import opening_lines
from search.cli.plain_warnings import plain_warnings
from search.errors import RESUME, UserError
from search.records.folder import StudyFolder
from search.report.front_table import front_table
from search.runs.preflight import check_before_start
from search.settings import Config
from search.settings.compose import compose_config, load_config, save_config
from search.tracking.wandb_choice import wandb_choice


def sweep(options: argparse.Namespace) -> int:
    """Start a new study."""
    if options.show:
        print(save_config(compose_config(options.overrides)), end="")
        return 0
    config = compose_config(options.overrides, _automatic_batch)
    root = Path(config.study.folder)
    if (root / "config.yaml").exists():
        raise UserError(
            f"Cannot start a study in {str(root)!r}, which already holds one. Choose "
            f"another study.folder, or go on with it: {StudyFolder(root).go_on}"
        )
    check_before_start(config)
    with StudyFolder.made(root) as folder:
        return _run(config, folder, options, resumed=False)


def resume(options: argparse.Namespace) -> int:
    """Go on with a study."""
    folder = StudyFolder.open(options.folder)
    return _run(load_config(folder.config, options.overrides), folder, options, resumed=True)


def _run(config: Config, folder: StudyFolder, options: argparse.Namespace, resumed: bool) -> int:
    from search.cli.sweep_watchers import make_watcher
    from search.runs.sweep import run_sweep

    command = shlex.join(["dato-search", *sys.argv[1:]])
    for line in opening_lines(config):
        print(line, flush=True)
    try:
        with plain_warnings(), make_watcher(config, plain=options.plain) as watcher:
            if config.tracker.kind == "wandb":
                watcher.stage(wandb_choice(config.tracker.mode, config.tracker.project).line)
            result = run_sweep(
                config, folder, watcher, command=command, on_ready=lambda: _keep(config, folder)
            )
    except KeyboardInterrupt:
        return _interrupted(folder)
    except UserError as error:
        if RESUME not in str(error) or not folder.config.is_file():
            raise
        raise UserError(str(error).replace(RESUME, folder.go_on)) from error
    wide_console().print(front_table(result))
    print("\n".join(closing_lines(result, folder, config)))
    return 0


def _automatic_batch(config: Config) -> int:
    """The largest batch that fits, which the model itself says: only then is torch loaded."""
    from search.preparation.largest_batch import automatic_batch

    return automatic_batch(config)


def _keep(config: Config, folder: StudyFolder) -> None:
    """Make the folder a study, now that model, prompts and space have loaded."""
    replace_text(folder.config, save_config(config))


def _interrupted(folder: StudyFolder) -> int:
    if not folder.config.is_file():
        return interrupted("the study had not begun, so nothing was kept.")
    return interrupted(f"every finished trial is kept. Go on with: {folder.go_on}")
