"""Optuna's storage inside the study folder. The storage is the truth; files are views of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from search.errors import UserError
from search.folder import StudyFolder
from search.reading import HUGE, check_file
from search.settings import SamplerSettings, StorageSettings
from search.study.samplers import make_sampler

optuna.logging.set_verbosity(optuna.logging.WARNING)

STUDY_NAME = "study"
"""Name inside the storage; each study folder holds exactly one study."""

BLOCK = 1 << 16


def open_study(
    folder: StudyFolder, storage: StorageSettings, sampler: SamplerSettings, seed: int
) -> optuna.Study:
    """Create the study or load it with every trial that was told.

    The caller holds the study's lock, so a journal lock left by a killed driver is stale, and a
    half line at the journal's end is a write that never finished.

    Raises:
        UserError: the storage is damaged.
    """
    path = _path(folder, storage)
    if storage.kind == "journal":
        Path(f"{path}.lock").unlink(missing_ok=True)
        _drop_half_line(path)
    finished = 0
    with _readable(path):
        backend = _backend(path, storage)
        stored = {summary.study_name for summary in optuna.get_all_study_summaries(backend)}
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
    """Load a study to look at it, without the lock: nothing is repaired or written.

    Raises:
        UserError: there is none yet, or its storage is damaged.
    """
    path = _path(folder, storage)
    if not path.is_file():
        raise UserError(f"The study in {str(folder.root)!r} has no trials yet.")
    with _readable(path):
        study = optuna.load_study(study_name=STUDY_NAME, storage=_backend(path, storage))
        study.get_trials(deepcopy=False)
    return study


def _path(folder: StudyFolder, storage: StorageSettings) -> Path:
    return folder.journal if storage.kind == "journal" else folder.database


def _backend(path: Path, storage: StorageSettings) -> BaseStorage:
    if storage.kind == "journal":
        return JournalStorage(JournalFileBackend(str(path)))
    return RDBStorage(f"sqlite:///{path}")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Whatever Optuna stumbles over in a damaged or foreign storage is one sentence.

    Raises:
        UserError: it stumbled, or the file is larger than any study's.
    """
    if path.exists():
        check_file(path, "Is it a study's storage?", HUGE)
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise UserError(
            f"{str(path)!r} is damaged and cannot be read ({reason}). Bring a copy of it back, "
            "or start a new sweep."
        ) from error


def _drop_half_line(journal: Path) -> None:
    if not journal.is_file():
        return
    with journal.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        whole = _end_of_last_line(file, end)
        if whole < end:
            file.truncate(whole)
            os.fsync(file.fileno())


def _end_of_last_line(file: BinaryIO, end: int) -> int:
    """Offset behind the last line feed; read backwards, block by block."""
    while end:
        start = max(0, end - BLOCK)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
