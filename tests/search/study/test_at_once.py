"""Parameters written at once are those that Optuna writes one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages.journal import JournalFileBackend
from sqlalchemy import event

from search.records.folder import StudyFolder
from search.settings import SamplerSettings, StorageSettings
from search.study.at_once import suggested_at_once
from search.study.storage import open_study, read_study
from tests.postgres import PostgresServer

STORAGES = ["journal", "sqlite", "postgres"]


def suggest(trial: optuna.Trial) -> None:
    for number in range(20):
        trial.suggest_float(f"ratio_{number}", 0.0, 0.75, step=0.05)
    trial.suggest_int("interval", 2, 20, log=True)
    trial.suggest_categorical("depth", (0, 1, "full"))


@pytest.fixture(params=STORAGES)
def storage(request: pytest.FixtureRequest) -> StorageSettings:
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.storage()
    return StorageSettings(kind=request.param)


def opened(folder: Path, storage: StorageSettings) -> optuna.Study:
    return open_study(StudyFolder(folder), storage, SamplerSettings(name="random"), seed=0)


def written(folder: Path, storage: StorageSettings) -> list[tuple[Any, Any]]:
    """Parameters and distributions as another process reads them."""
    trials = read_study(StudyFolder(folder), storage).get_trials()
    return [(trial.params, trial.distributions) for trial in trials]


def test_they_are_what_optuna_writes_one_by_one(tmp_path: Path, storage: StorageSettings) -> None:
    study = opened(tmp_path, storage)
    twin = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
    study.sampler = optuna.samplers.RandomSampler(0)
    for _ in range(3):
        trial, other = study.ask(), twin.ask()
        with suggested_at_once(trial):
            suggest(trial)
        suggest(other)
        assert trial.params == other.params
    assert written(tmp_path, storage) == [(t.params, t.distributions) for t in twin.get_trials()]


def test_one_write_takes_them_all(
    tmp_path: Path, storage: StorageSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, writes = opened(tmp_path, storage), []
    trial = study.ask()
    append = JournalFileBackend.append_logs

    def counted(journal: JournalFileBackend, logs: list[dict[str, Any]]) -> None:
        writes.append(len(logs))
        append(journal, logs)

    monkeypatch.setattr(JournalFileBackend, "append_logs", counted)
    engine = getattr(getattr(study._storage, "_backend", None), "engine", None)
    if engine is not None:
        event.listen(engine, "commit", lambda _: writes.append(1))
    with suggested_at_once(trial):
        suggest(trial)
        assert not writes
    assert len(writes) == 1


def test_a_proposal_that_fails_writes_none(tmp_path: Path, storage: StorageSettings) -> None:
    trial = opened(tmp_path, storage).ask()

    def failing() -> None:
        with suggested_at_once(trial):
            trial.suggest_float("ratio", 0.0, 1.0)
            raise RuntimeError("no proposal")

    with pytest.raises(RuntimeError, match="no proposal"):
        failing()
    assert written(tmp_path, storage) == [({}, {})]
