"""Makes a tracker by its name."""

from __future__ import annotations

from search.errors import UserError
from search.tracking.tracker import GuardedTracker, NullTracker, Tracker
from search.tracking.wandb import WandbTracker
from search.tracking.wandb_choice import DISABLED, wandb_choice

KINDS = ("none", "wandb")


def make_tracker(
    kind: str,
    mode: str | None = None,
    project: str | None = None,
    entity: str | None = None,
    per_trial: bool = False,
) -> Tracker:
    """A tracker that never stops a study.

    Args:
        kind: ``"none"`` or ``"wandb"``.
        mode: ``"offline"`` (a run in the study folder, for ``wandb sync``), ``"online"`` or
            ``"disabled"``; ``None`` leaves it to W&B's environment variables.
        project, entity: where W&B files the run.
        per_trial: a light W&B run for each trial beside the study's.

    Raises:
        UserError: an unknown kind or mode.
    """
    if kind not in KINDS:
        raise UserError(f"There is no tracker {kind!r}. Choose one of {', '.join(KINDS)}.")
    choice = wandb_choice(mode, project)
    if kind == "none" or choice.mode == DISABLED:
        return NullTracker()
    online = choice.mode == "online"
    return GuardedTracker(
        WandbTracker(online=online, project=choice.project, entity=entity, per_trial=per_trial)
    )
