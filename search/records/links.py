"""Refuses study folders with links that lead out of them.

A command that followed a stranger's link would read, write or delete where it points.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from search.errors import UserError

_FOREIGN = ("wandb", "jobs")
"""Folders that other tools fill: what W&B and Slurm keep there is theirs."""


def refuse_links_out(root: Path) -> None:
    """Raise UserError if anything in the folder is a link that leads out of it."""
    inside = root.resolve()
    for entry in _entries(root):
        if entry.is_symlink() and not entry.resolve().is_relative_to(inside):
            raise UserError(
                f"{str(entry)!r} is a link that leads out of the study folder. Put what it "
                "points to in its place."
            )


def _entries(root: Path) -> Iterator[Path]:
    """What is in a study folder, and in the folders of its own that are in it."""
    pending = [root]
    while pending:
        for entry in pending.pop().iterdir():
            yield entry
            foreign = entry.parent == root and entry.name in _FOREIGN
            if not foreign and entry.is_dir() and not entry.is_symlink():
                pending.append(entry)
