"""A proposal's parameters written at once. Optuna writes each by itself: 60 parameters are 60 syncs
of a file, or 60 transactions, during which every other driver waits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from optuna import Trial
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy import text

INSERT = text(
    "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) "
    "VALUES (:trial, :name, :value, :distribution)"
)


@dataclass(frozen=True)
class Suggestion:
    """One parameter, its value as the storage keeps it."""

    name: str
    value: float
    distribution: BaseDistribution


@contextmanager
def suggested_at_once(trial: Trial) -> Iterator[None]:
    """What is suggested for ``trial`` inside the block is written when it ends; nothing is where
    it ends by an exception."""
    storage, held = trial.storage, _Held(trial.storage)
    trial.storage = held  # type: ignore[assignment]
    try:
        yield
    finally:
        trial.storage = storage
    _write(storage, trial._trial_id, held.suggestions)


@dataclass
class _Held:
    """A storage that only remembers parameters."""

    storage: BaseStorage
    suggestions: list[Suggestion] = field(default_factory=list)

    def set_trial_param(
        self, trial_id: int, name: str, value: float, distribution: BaseDistribution
    ) -> None:
        self.suggestions.append(Suggestion(name, value, distribution))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.storage, name)


def _write(storage: BaseStorage, trial_id: int, suggestions: Sequence[Suggestion]) -> None:
    if isinstance(storage, _CachedStorage) and isinstance(storage._backend, RDBStorage):
        _insert(storage._backend, trial_id, suggestions)
    elif isinstance(storage, JournalStorage) and isinstance(storage._backend, JournalFile):
        with storage._backend.at_once():
            _set_each(storage, trial_id, suggestions)
    else:
        _set_each(storage, trial_id, suggestions)


def _set_each(storage: BaseStorage, trial_id: int, suggestions: Sequence[Suggestion]) -> None:
    for own in suggestions:
        storage.set_trial_param(trial_id, own.name, own.value, own.distribution)


def _insert(storage: RDBStorage, trial_id: int, suggestions: Sequence[Suggestion]) -> None:
    rows = [
        {
            "trial": trial_id,
            "name": own.name,
            "value": own.value,
            "distribution": distribution_to_json(own.distribution),
        }
        for own in suggestions
    ]
    if rows:
        with storage.engine.begin() as connection:
            connection.execute(INSERT, rows)


class JournalFile(JournalFileBackend):
    """Optuna's journal, which can take several entries in one write."""

    def __init__(self, file_path: str) -> None:
        super().__init__(file_path)
        self._entries = 0
        self._held: list[dict[str, Any]] | None = None

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Entries inside the block are written when it ends, and read back before."""
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
        if held:
            self.append_logs(held)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        if self._held is None:
            super().append_logs(logs)
        else:
            self._held.extend(logs)

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        if self._held is not None:
            # Whoever writes has read all that lies in the file, because nobody else writes.
            yield from self._held[log_number_from - self._entries :]
            return
        for number, log in enumerate(super().read_logs(log_number_from), log_number_from + 1):
            self._entries = number
            yield log
