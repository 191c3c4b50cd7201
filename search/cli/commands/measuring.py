"""``cost-table``: what each kind of call costs on a device."""

from __future__ import annotations

from pathlib import Path

from search.cli.commands.command import Commands, command

EARLIER = "calibrate"
"""What ``cost-table`` was called when a calibration was not yet something else."""


COST_TABLE = """\
Measure what each kind of call costs on this device, and write it to
latency/<device>-<dtype>-b<batch>-<width>x<height>.json. Takes the overrides of a sweep:

  dato-search cost-table                                    # the embedded model, this CPU
  dato-search cost-table model=custom model.path=FOLDER model.prompts=prompts.txt \\
      model.device=cuda model.dtype=float16 space=layered

A few kinds are measured, those of the space most often, and the costs of all others follow from
them. Then random schedules of the space are timed end to end, and the table records its error.
A new study uses the file with latency.tables=[FILE], a finished one with 'retarget'. The effort is
set by latency.repeats, latency.budget_s and latency.check_schedules (0: no check)."""


def add_measuring(commands: Commands) -> None:
    """Add it."""
    table = command(
        commands,
        "cost-table",
        "measure a cost table",
        COST_TABLE,
        "cost_table:cost_table",
        earlier=(EARLIER,),
    )
    table.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="Hydra overrides")
    table.add_argument("--out", type=Path, metavar="FILE", help="file to write")
