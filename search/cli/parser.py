"""The argument parser: one subcommand each for what a person does with a study or a preset."""

from __future__ import annotations

import argparse

from dato.version import __version__
from search.cli.commands.judging import add_judging
from search.cli.commands.looking import add_looking, add_report
from search.cli.commands.making import add_making
from search.cli.commands.measuring import add_measuring
from search.cli.commands.presets import add_presets
from search.cli.commands.running import add_running

DESCRIPTION = """\
Search prune/cache schedules of a diffusion model: FID against latency.

A sweep writes a study folder with the trials, the Pareto front, JSON presets, an HTML report and a
W&B run. dato.apply(pipe, preset) makes a diffusers pipeline run a preset."""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line. Heavy modules are imported by the command that needs them."""
    parser = argparse.ArgumentParser(
        "dato-search", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"dato-search {__version__}")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", required=True
    )
    for add in (
        add_running, add_measuring, add_looking, add_judging, add_report, add_presets, add_making,
    ):  # fmt: skip
        add(commands)
    return parser
