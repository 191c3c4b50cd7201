"""Makes a tracker by its name."""

from __future__ import annotations

from search.errors import UserError
from search.tracking.tracker import GuardedTracker, NullTracker, Tracker
from search.tracking.wandb import WandbTracker

KINDS = ("none", "wandb")
MODES = ("offline", "online")


def make_tracker(
    kind: str,
    mode: str = "offline",
    project: str = "dato",
    entity: str | None = None,
    per_trial: bool = False,
) -> Tracker:
    """A tracker that never stops a study.

    Args:
        kind: ``"none"`` or ``"wandb"``.
        mode: ``"offline"`` (a run in the study folder, for ``wandb sync``) or ``"online"``.
        project, entity: where W&B files the run.
        per_trial: a light W&B run for each trial beside the study's.

    Raises:
        UserError: an unknown kind or mode.
    """
    if kind not in KINDS:
        raise UserError(f"There is no tracker {kind!r}. Choose one of {', '.join(KINDS)}.")
    if mode not in MODES:
        raise UserError(f"There is no tracker mode {mode!r}. Choose one of {', '.join(MODES)}.")
    if kind == "none":
        return NullTracker()
    online = mode == "online"
    return GuardedTracker(
        WandbTracker(online=online, project=project, entity=entity, per_trial=per_trial)
    )
