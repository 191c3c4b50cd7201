"""Optuna's storage inside the study folder. The storage is the truth; files are views of it."""

from __future__ import annotations

import os
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from search.errors import UserError
from search.folder import StudyFolder
from search.settings import SamplerSettings, StorageSettings
from search.study.samplers import make_sampler

optuna.logging.set_verbosity(optuna.logging.WARNING)

STUDY_NAME = "study"
"""Name inside the storage; each study folder holds exactly one study."""


def open_study(
    folder: StudyFolder, storage: StorageSettings, sampler: SamplerSettings, seed: int
) -> optuna.Study:
    """Create the study or load it with every trial that was told.

    The caller holds the study's lock, so a journal lock left by a killed driver is stale, and a
    half line at the journal's end is a write that never finished.
    """
    backend = _open_storage(folder, storage)
    stored = {summary.study_name for summary in optuna.get_all_study_summaries(backend)}
    finished = 0
    if STUDY_NAME in stored:
        finished = len(optuna.load_study(study_name=STUDY_NAME, storage=backend).trials)
    return optuna.create_study(
        storage=backend,
        study_name=STUDY_NAME,
        sampler=make_sampler(sampler, seed + finished),
        directions=["minimize", "minimize"],
        load_if_exists=True,
    )


def read_study(folder: StudyFolder, storage: StorageSettings) -> optuna.Study:
    """Load a study to look at it, without the lock: nothing is repaired or written."""
    exists = folder.journal.is_file() if storage.kind == "journal" else folder.database.is_file()
    if not exists:
        raise UserError(f"The study in {str(folder.root)!r} has no trials yet.")
    backend: BaseStorage
    if storage.kind == "journal":
        backend = JournalStorage(JournalFileBackend(str(folder.journal)))
    else:
        backend = RDBStorage(f"sqlite:///{folder.database}")
    return optuna.load_study(study_name=STUDY_NAME, storage=backend)


def _open_storage(folder: StudyFolder, storage: StorageSettings) -> BaseStorage:
    if storage.kind == "sqlite":
        return RDBStorage(f"sqlite:///{folder.database}")
    Path(f"{folder.journal}.lock").unlink(missing_ok=True)
    _drop_half_line(folder.journal)
    return JournalStorage(JournalFileBackend(str(folder.journal)))


def _drop_half_line(journal: Path) -> None:
    if not journal.is_file():
        return
    with journal.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)
            os.fsync(file.fileno())
