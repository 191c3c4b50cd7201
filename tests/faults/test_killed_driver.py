"""A driver killed with -9 at any write of its storage or its files loses no recorded trial."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from optuna.storages.journal import JournalFileBackend

from dato import load_preset
from dato.preset import ModelInfo, SamplerInfo
from search.records.files import load_result, save_result, trials_from_json, trials_to_json
from search.records.folder import StudyFolder
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.report.export import export_presets
from search.report.page import write_report
from search.space import Space, SpaceContext
from search.study.budget import Budget
from search.study.trial_records import read_records
from tests.faults.conftest import in_child
from tests.search.study.conftest import starts
from tests.search.study.test_search_loop import make_driver

KILLED = signal.SIGKILL
TRIALS, WARMSTARTS = 3, 2
MODEL = ModelInfo("pocket", 12, "", (32, 32))


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Writes:
    """Counts the journal's writes; ends the process at one of them, before it or halfway."""

    def __init__(self, fatal: int | None = None, halfway: bool = False) -> None:
        self.count, self._fatal, self._halfway = 0, fatal, halfway
        self._append = JournalFileBackend.append_logs

    def __call__(self, journal: JournalFileBackend, logs: list[dict[str, Any]]) -> None:
        if self.count == self._fatal:
            if self._halfway:
                journal._lock.acquire()
                text = "\n".join(map(json.dumps, logs))
                with open(journal._file_path, "a") as file:
                    file.write(text[: len(text) // 2])
            die()
        self.count += 1
        self._append(journal, logs)

    def install(self) -> None:
        JournalFileBackend.append_logs = lambda own, logs: self(own, logs)  # type: ignore[method-assign,assignment]


def search(folder: Path, space: Space, context: SpaceContext) -> None:
    """A study; every recorded trial is kept in a file beside it."""
    driver = make_driver(folder, space, context)
    driver.prepare(starts(driver.space, driver.context, WARMSTARTS))
    recorded: list[TrialRecord] = []
    for record in driver.run(Budget(trials=TRIALS)):
        recorded.append(record)
        (folder / "recorded").write_text(trials_to_json(recorded))


def recorded(folder: Path) -> tuple[TrialRecord, ...]:
    path = folder / "recorded"
    return trials_from_json(path.read_text()) if path.exists() else ()


def resumed_after_death(
    folder: Path, space: Space, context: SpaceContext, writes: Writes
) -> tuple[TrialRecord, ...]:
    """Records after a driver died at a write and another one went on."""

    def work() -> None:
        writes.install()
        search(folder, space, context)

    assert in_child(work) == KILLED
    before = recorded(folder)
    driver = make_driver(folder, space, context)
    known = read_records(driver.study)
    assert known[: len(before)] == before
    driver.prepare(starts(driver.space, driver.context, WARMSTARTS))
    for _ in driver.run(Budget(trials=TRIALS + 1)):
        pass
    records = read_records(driver.study)
    assert records[: len(before)] == before
    return records


@pytest.mark.slow
@pytest.mark.parametrize("halfway", [False, True], ids=["before", "halfway"])
def test_killed_at_any_write_of_the_journal(
    tmp_path: Path, space: Space, context: SpaceContext, halfway: bool
) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    writes, append = Writes(), JournalFileBackend.append_logs
    writes.install()
    try:
        search(whole, space, context)
    finally:
        JournalFileBackend.append_logs = append  # type: ignore[method-assign]
    assert writes.count > 4 * TRIALS
    firsts = [record.params for record in recorded(whole)][: WARMSTARTS + 1]
    for fatal in range(writes.count):
        folder = tmp_path / str(fatal)
        folder.mkdir()
        records = resumed_after_death(folder, space, context, Writes(fatal, halfway))
        complete = [record.params for record in records if record.state == "complete"]
        assert all(params in complete for params in firsts), fatal
        assert sum(not record.lost for record in records) == TRIALS + 1


def finish(result: StudyResult, folder: StudyFolder) -> None:
    """What a sweep writes at its end."""
    sampler = SamplerInfo("DDIMScheduler", 50, 50, 3.0)
    save_result(result, folder)
    export_presets(result, folder, model=MODEL, sampler=sampler)
    write_report(result, folder)


def check_whole(result: StudyResult, folder: StudyFolder) -> None:
    """Every file that has its name is complete."""
    if folder.trials.exists() and folder.front.exists():
        assert load_result(folder) == result
    for path in folder.presets.glob("*.json"):
        load_preset(path)
    if folder.report.exists():
        assert folder.report.read_text().rstrip().endswith("</html>")


def dying(call: Callable[..., None], at: int) -> Callable[..., None]:
    left = [at]

    def replaced(*arguments: Any) -> None:
        if left[0] == 0:
            die()
        left[0] -= 1
        call(*arguments)

    return replaced


@pytest.mark.slow
def test_killed_at_any_file_of_an_export(
    tmp_path: Path, result: StudyResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = 0
    while True:
        folder = StudyFolder(tmp_path / str(at))

        def work(folder: StudyFolder = folder, at: int = at) -> None:
            monkeypatch.setattr(os, "fsync", dying(os.fsync, at))
            finish(result, folder)

        if in_child(work) != KILLED:
            break
        check_whole(result, folder)
        assert list(folder.root.rglob(".*.tmp"))
        folder.forget_unfinished()
        assert not list(folder.root.rglob(".*.tmp"))
        finish(result, folder)
        check_whole(result, folder)
        at += 1
    assert at == 2 * len(result.front) + 3
