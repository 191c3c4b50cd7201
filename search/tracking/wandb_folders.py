"""Where W&B may write: inside the study folder, never in the user's home."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path

from dato.files import replace_text
from search.records.folder import StudyFolder


def directories(folder: StudyFolder) -> Mapping[str, str]:
    """Environment variables of every directory that W&B knows. Runs land in ``folder.wandb``."""
    inside = folder.wandb.resolve()
    return {
        "WANDB_DIR": str(folder.root.resolve()),
        "WANDB_DATA_DIR": str(inside / "data"),
        "WANDB_CACHE_DIR": str(inside / "cache"),
        "WANDB_CONFIG_DIR": str(inside / "config"),
        "WANDB_ARTIFACT_DIR": str(inside / "artifacts"),
    }


class Environment:
    """Variables that are set until :meth:`restore`, which gives the process its own back."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._before = {name: os.environ.get(name) for name in values}
        os.environ.update(values)

    def restore(self) -> None:
        """Undo; a second call changes nothing."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before = {}


def run_id(folder: StudyFolder) -> str:
    """The study's run id: made once, kept in the folder, so that a resumed study is one run."""
    path = folder.wandb / "run-id"
    try:
        known = path.read_text(encoding="utf-8").strip()
    except OSError:
        known = ""
    if known:
        return known
    fresh = uuid.uuid4().hex[:12]
    replace_text(path, f"{fresh}\n")
    return fresh


def offline_runs(folder: StudyFolder) -> tuple[Path, ...]:
    """Offline directories of the study's run, oldest first; those of its trials have other ids."""
    return _runs(folder, run_id(folder))


def has_trial_run(folder: StudyFolder, number: int) -> bool:
    """Whether an offline run of this trial was written before."""
    return bool(_runs(folder, trial_run_id(folder, number)))


def trial_run_id(folder: StudyFolder, number: int) -> str:
    """Id of a trial's own run."""
    return f"{run_id(folder)}-trial-{number}"


def _runs(folder: StudyFolder, key: str) -> tuple[Path, ...]:
    found = folder.wandb.glob(f"offline-run-*-{key}")
    return tuple(sorted(path for path in found if path.is_dir()))


def supersede(runs: tuple[Path, ...], folder: StudyFolder) -> None:
    """Move earlier runs aside, where ``wandb sync`` does not look."""
    aside = folder.wandb / "superseded"
    for run in runs:
        aside.mkdir(parents=True, exist_ok=True)
        run.replace(aside / run.name)
