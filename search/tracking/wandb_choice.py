"""How W&B runs: as the configuration says, else as W&B's own environment variables say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from search.errors import UserError

DISABLED = "disabled"
MODES = ("offline", "online", DISABLED)

_OTHER_NAMES = {"dryrun": "offline", "run": "online", "shared": "online"}
"""Names that W&B also takes."""

_TRUE = ("1", "true", "yes", "on", "y", "t")


@dataclass(frozen=True)
class WandbChoice:
    """The mode and project of a run, and what decided the mode."""

    mode: str
    project: str
    because: str

    @property
    def line(self) -> str:
        """For the person who started the sweep."""
        return f"W&B: {self.mode} ({self.because})"


def wandb_choice(
    mode: str | None, project: str | None, environment: Mapping[str, str] = os.environ
) -> WandbChoice:
    """The mode and project of the configuration, else of ``WANDB_MODE``, ``WANDB_DISABLED`` and
    ``WANDB_PROJECT``, else offline in the project ``dato``.

    Raises:
        UserError: there is no such mode.
    """
    named = project or environment.get("WANDB_PROJECT") or "dato"
    if mode is not None:
        return WandbChoice(_known(mode, "tracker.mode"), named, f"tracker.mode={mode}")
    if environment.get("WANDB_DISABLED", "").lower() in _TRUE:
        return WandbChoice(DISABLED, named, "WANDB_DISABLED is set")
    given = environment.get("WANDB_MODE", "").lower()
    if given:
        return WandbChoice(_known(given, "WANDB_MODE"), named, f"WANDB_MODE={given}")
    return WandbChoice("offline", named, "by default; tracker.mode=online uploads")


def _known(mode: str, source: str) -> str:
    found = _OTHER_NAMES.get(mode, mode)
    if found not in MODES:
        raise UserError(f"There is no tracker mode {source}={mode!r}. Choose {', '.join(MODES)}.")
    return found
