"""``validate``, ``explain``, ``diff`` and ``export-sampler``: preset files."""

from __future__ import annotations

from pathlib import Path

from search.cli.commands.command import Commands, command

EXPORT_SAMPLER = """\
Write a preset as a sampler file, which any runtime runs with a few lines: for each computed call
the timestep, the noise level, and the weights of latents and outputs.

  dato-search export-sampler studies/.../presets/tuned-6.2x.json --out sampler.json
  dato-search export-sampler PRESET --out sampler.json model=custom model.path=FOLDER

The preset has full and skipped calls without pruning, or is a tuned sampler. Of the model only the
scheduler's configuration is read. The page "Run it elsewhere" has the reader."""


def add_presets(commands: Commands) -> None:
    """Add all four."""
    validate = command(
        commands,
        "validate",
        "check preset files",
        "Check presets against the format, and with --model against a pipeline. Exit code 2 and "
        "one sentence for each broken file.",
        "preset:validate",
    )
    validate.add_argument("presets", nargs="+", metavar="PRESET", help="file or shipped name")
    validate.add_argument("--model", metavar="FOLDER", help="pipeline that the presets must fit")
    _add_understanding(commands)
    _add_sampler_file(commands)


def _add_understanding(commands: Commands) -> None:
    explain = command(
        commands,
        "explain",
        "what a preset does and costs",
        "Print a preset's calls as a strip, its kinds, and what was measured. With --table also "
        "what each kind costs by a cost table, such as a study's cost_table.json.",
        "explain:explain",
    )
    explain.add_argument(
        "preset", metavar="PRESET", help="file, shipped name or hub:USER/REPO/NAME"
    )
    explain.add_argument("--table", type=Path, metavar="FILE", help="cost table to price it by")
    diff = command(
        commands,
        "diff",
        "where two presets differ",
        "Print one line for each place where two presets differ. Exit code 1 if they do.",
        "explain:diff",
    )
    diff.add_argument("left", metavar="PRESET")
    diff.add_argument("right", metavar="PRESET")


def _add_sampler_file(commands: Commands) -> None:
    export = command(
        commands,
        "export-sampler",
        "a preset for any runtime",
        EXPORT_SAMPLER,
        "export_sampler:export_sampler",
    )
    export.add_argument("preset", metavar="PRESET", help="file, shipped name or hub:USER/REPO/NAME")
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write")
    export.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="such as model.path=FOLDER"
    )
