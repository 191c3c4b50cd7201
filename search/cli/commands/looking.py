"""``status``, ``front``, ``export`` and ``report``: what a study found, from its files."""

from __future__ import annotations

from pathlib import Path

from search.cli.commands.command import Commands, command, folder


def add_looking(commands: Commands) -> None:
    """Add the first three."""
    status = command(
        commands,
        "status",
        "how far a study is",
        "Count a study's trials by state and show the best so far. Safe while a sweep is running.",
        "study:status",
    )
    front = command(
        commands,
        "front",
        "the non-dominated trials as a table",
        "Show the front of a running or finished study.",
        "study:front",
    )
    front.add_argument("--json", action="store_true", help="machine-readable output")
    for each in (status, front):
        folder(each)
    export = command(
        commands,
        "export",
        "write the front's presets",
        "Write the front's schedules as presets into the study folder, or copy them elsewhere.",
        "study:export",
    )
    folder(export)
    export.add_argument("--out", type=Path, metavar="DIR", help="folder for copies of the presets")
    export.add_argument(
        "overrides",
        nargs="*",
        metavar="KEY=VALUE",
        help="export.dominated=true: also presets that fewer steps dominate",
    )


def add_report(commands: Commands) -> None:
    """Add the last."""
    report = command(
        commands,
        "report",
        "write the HTML report again",
        "Rebuild report.html of a study from its files.",
        "study:report",
    )
    folder(report)
