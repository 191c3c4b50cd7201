"""One command: its help, and the function that runs it, which is imported once it is needed."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

GOES_ON = ("sweep", "resume", "audit", "tune", "cost-table", "demo")
"""Commands whose work is worth more than what they print."""


def command(
    commands: Commands,
    name: str,
    summary: str,
    description: str,
    target: str,
    earlier: Sequence[str] = (),
) -> argparse.ArgumentParser:
    """Add a command.

    Args:
        target: the module and function that run it; earlier: names that it had.
    """
    made: argparse.ArgumentParser = commands.add_parser(
        name,
        aliases=earlier,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.set_defaults(run=_lazily(target), goes_on=name in GOES_ON)
    return made


def _lazily(target: str) -> Callable[[argparse.Namespace], int]:
    module, _, function = target.partition(":")

    def run(options: argparse.Namespace) -> int:
        code: int = getattr(import_module(f"search.cli.{module}"), function)(options)
        return code

    return run


def folder(command: argparse.ArgumentParser) -> None:
    """Add the argument that names a study."""
    command.add_argument("folder", type=Path, metavar="FOLDER", help="study folder")
