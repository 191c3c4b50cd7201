"""Optuna's storage, in the study folder or on a server. It is the truth; files are views of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from search.errors import UserError
from search.records.folder import StudyFolder
from search.records.reading import HUGE, check_file
from search.settings import SamplerSettings, StorageSettings
from search.study.drivers import NoOtherDrivers, OtherDrivers
from search.study.samplers import make_sampler

optuna.logging.set_verbosity(optuna.logging.WARNING)

STUDY_NAME = "study"
"""A study's name in its folder's storage. On a server it has the name ``storage.study``."""

STRIDE = 1_000_003
"""Distance between the seeds of workers that start at the same trial."""

BLOCK = 1 << 16


def open_study(
    folder: StudyFolder,
    storage: StorageSettings,
    sampler: SamplerSettings,
    seed: int,
    worker: int = 0,
) -> optuna.Study:
    """Create the study, or load it with every recorded trial.

    The caller holds the lock of a study whose storage is in its folder. So a lock of the journal
    was left by a killed driver, and a half line at the journal's end is an unfinished write.

    Args:
        worker: number of this driver among those of a server's study.

    Raises:
        UserError: the storage is damaged or cannot be reached.
    """
    if storage.kind == "journal":
        Path(f"{folder.journal}.lock").unlink(missing_ok=True)
        _drop_half_line(folder.journal)
    name = storage.study or STUDY_NAME
    with _readable(folder, storage):
        backend = _backend(folder, storage)
        seed = seed + STRIDE * worker
        if name in optuna.get_all_study_names(backend):
            seed += begun(optuna.load_study(study_name=name, storage=backend))
    return optuna.create_study(
        storage=backend,
        study_name=name,
        sampler=make_sampler(sampler, seed % 2**32),
        directions=["minimize", "minimize"],
        load_if_exists=True,
    )


def begun(study: optuna.Study) -> int:
    """How many trials have left the queue. Added to the seed, this number keeps a resumed study
    from repeating the proposals of its first part."""
    trials = study.get_trials(deepcopy=False)
    return sum(trial.state is not TrialState.WAITING for trial in trials)


def other_drivers(study: optuna.Study, storage: StorageSettings) -> OtherDrivers:
    """The drivers that share the study with this one: none, unless it is on a server."""
    if storage.kind != "postgres":
        return NoOtherDrivers()
    from search.study.server_drivers import ServerDrivers

    cached = study._storage
    assert isinstance(cached, _CachedStorage) and isinstance(cached._backend, RDBStorage)
    return ServerDrivers(cached._backend, storage)


def read_study(folder: StudyFolder, storage: StorageSettings) -> optuna.Study:
    """Load a study for reading, without its lock. Nothing is repaired or written.

    Raises:
        UserError: there is none yet, or its storage is damaged or cannot be reached.
    """
    name = storage.study or STUDY_NAME
    none = UserError(f"The study in {str(folder.root)!r} has no trials yet.")
    if storage.kind != "postgres" and not _path(folder, storage).is_file():
        raise none
    with _readable(folder, storage):
        backend = _backend(folder, storage)
        if storage.kind == "postgres" and name not in optuna.get_all_study_names(backend):
            raise none
        study = optuna.load_study(study_name=name, storage=backend)
        study.get_trials(deepcopy=False)
    return study


def _path(folder: StudyFolder, storage: StorageSettings) -> Path:
    return folder.journal if storage.kind == "journal" else folder.database


def _backend(folder: StudyFolder, storage: StorageSettings) -> BaseStorage:
    if storage.kind == "postgres":
        from search.study.postgres import open_server

        return open_server(storage)
    path = _path(folder, storage)
    if storage.kind == "journal":
        return JournalStorage(JournalFileBackend(str(path)))
    return RDBStorage(f"sqlite:///{path}")


@contextmanager
def _readable(folder: StudyFolder, storage: StorageSettings) -> Iterator[None]:
    """Turn whatever Optuna raises over a damaged or foreign storage into one sentence.

    Raises:
        UserError: Optuna could not read it, or the file is larger than any study's.
    """
    path = _path(folder, storage)
    if storage.kind != "postgres" and path.exists():
        check_file(path, "Is it a study's storage?", HUGE)
    try:
        yield
    except (OSError, UserError):
        raise
    except Exception as error:
        if storage.kind == "postgres":
            raise
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise UserError(
            f"Cannot read {str(path)!r}, which is damaged ({reason}). Put a copy of it back, or "
            "start a new sweep."
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
        place = file.read(end - start).rfind(b"\n")
        if place >= 0:
            return start + place + 1
        end = start
    return 0
