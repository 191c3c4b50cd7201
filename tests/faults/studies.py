"""What a study's storage says while others write to it."""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.trial import TrialState

from search.records.folder import StudyFolder
from search.records.record import TrialRecord
from search.settings.compose import load_config
from search.study.storage import read_study
from search.study.trial_records import read_records


def study_of(folder: Path) -> optuna.Study:
    config = load_config(StudyFolder(folder).config)
    return read_study(StudyFolder(folder), config.storage)


def records(folder: Path) -> tuple[TrialRecord, ...]:
    """The finished trials."""
    return read_records(study_of(folder))


def running(folder: Path) -> int:
    """How many trials are at work."""
    return len(study_of(folder).get_trials(deepcopy=False, states=(TrialState.RUNNING,)))


def waiting(folder: Path) -> list[dict[str, object]]:
    """Parameters of the trials that wait for their turn."""
    trials = study_of(folder).get_trials(deepcopy=False, states=(TrialState.WAITING,))
    return [trial.system_attrs["fixed_params"] for trial in trials]
