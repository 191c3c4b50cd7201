"""How W&B runs: as the configuration says, else as W&B's own environment variables say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from search.errors import UserError
from search.tracking.wandb_settings import settings_in

DISABLED = "disabled"
MODES = ("offline", "online", DISABLED)

_OTHER_NAMES = {"dryrun": "offline", "run": "online", "shared": "online"}
"""Names that W&B also takes."""

_TRUE = ("1", "true", "yes", "on", "y", "t")


@dataclass(frozen=True)
class WandbChoice:
    """The mode and project of a run, what decided the mode, and what W&B takes from a file."""

    mode: str
    project: str
    because: str
    settings: str = ""

    @property
    def line(self) -> str:
        """For the person who started the sweep."""
        also = f", with {self.settings}" if self.settings and self.mode != DISABLED else ""
        return f"W&B: {self.mode} ({self.because}){also}"


def wandb_choice(
    mode: str | None,
    project: str | None,
    environment: Mapping[str, str] = os.environ,
    folder: Path | None = None,
) -> WandbChoice:
    """The mode and project of the configuration, else of ``WANDB_MODE``, ``WANDB_DISABLED`` and
    ``WANDB_PROJECT``, else offline in the project ``dato``.

    Args:
        folder: where the process runs, whose settings W&B reads; by default the current one.

    Raises:
        UserError: there is no such mode.
    """
    named = project or environment.get("WANDB_PROJECT") or "dato"
    chosen, because = _mode(mode, environment)
    return WandbChoice(chosen, named, because, settings_in(folder or Path.cwd()))


def _mode(mode: str | None, environment: Mapping[str, str]) -> tuple[str, str]:
    """The mode, and what decided it."""
    if mode is not None:
        return _known(mode, "tracker.mode"), f"tracker.mode={mode}"
    if environment.get("WANDB_DISABLED", "").lower() in _TRUE:
        return DISABLED, "WANDB_DISABLED is set"
    given = environment.get("WANDB_MODE", "").lower()
    if given:
        return _known(given, "WANDB_MODE"), f"WANDB_MODE={given}"
    return "offline", "by default; tracker.mode=online uploads"


def _known(mode: str, source: str) -> str:
    known = _OTHER_NAMES.get(mode, mode)
    if known not in MODES:
        raise UserError(f"There is no tracker mode {source}={mode!r}. Choose {', '.join(MODES)}.")
    return known
