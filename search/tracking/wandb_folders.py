"""The folders of W&B: inside the study folder, never in the user's home."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Mapping
from pathlib import Path

from dato.files import replace_text
from search.errors import UserError
from search.records.folder import StudyFolder
from search.records.reading import read_text


def directories(folder: StudyFolder) -> Mapping[str, str]:
    """Environment variables for every directory of W&B. Runs are written to ``folder.wandb``."""
    inside = folder.wandb.resolve()
    return {
        "WANDB_DIR": str(folder.root.resolve()),
        "WANDB_DATA_DIR": str(inside / "data"),
        "WANDB_CACHE_DIR": str(inside / "cache"),
        "WANDB_CONFIG_DIR": str(inside / "config"),
        "WANDB_ARTIFACT_DIR": str(inside / "artifacts"),
    }


class Environment:
    """Sets environment variables until :meth:`restore` puts back the former ones."""

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
    """The study's run id. It is kept in the folder, so that a resumed study goes on with its
    run.

    Raises:
        UserError: the file holds something else. As a part of paths it could lead anywhere.
    """
    path = folder.wandb / "run-id"
    if not path.exists():
        fresh = uuid.uuid4().hex[:12]
        replace_text(path, f"{fresh}\n")
        return fresh
    remedy = "Delete it, so that the study begins another run."
    known = read_text(path, remedy).strip()
    if not re.fullmatch("[0-9a-f]{12}", known):
        raise UserError(f"Cannot read {str(path)!r}: it holds no id of a run. {remedy}")
    return known


def study_name(name: str, run: str) -> str:
    """The name of a study's group and artifacts. Two studies of one name share neither, or the
    aliases of one would move to the other's presets."""
    return f"{name[:80]}-{run}"


def offline_runs(folder: StudyFolder) -> tuple[Path, ...]:
    """Offline directories of the study's own run, oldest first."""
    return _runs(folder, run_id(folder))


def has_trial_run(folder: StudyFolder, number: int) -> bool:
    """Whether an offline run of this trial was written before."""
    return bool(_runs(folder, trial_run_id(folder, number)))


def trial_run_id(folder: StudyFolder, number: int) -> str:
    """Id of a trial's own run."""
    return f"{run_id(folder)}-trial-{number}"


def _runs(folder: StudyFolder, key: str) -> tuple[Path, ...]:
    offline = folder.wandb.glob(f"offline-run-*-{key}")
    return tuple(sorted(path for path in offline if path.is_dir()))


def supersede(runs: tuple[Path, ...], folder: StudyFolder) -> None:
    """Move earlier runs to a folder that ``wandb sync`` does not read."""
    aside = folder.wandb / "superseded"
    for run in runs:
        aside.mkdir(parents=True, exist_ok=True)
        run.replace(aside / run.name)
