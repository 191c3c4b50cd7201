"""A disk that is full, and a folder that is gone: one sentence, whole files, nothing lost."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from search.errors import UserError
from search.model.generator import Generator
from search.model.reference import kept_images
from search.records.files import save_result
from search.records.folder import StudyFolder
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.report.page import write_report
from search.space import Space, SpaceContext
from search.study.budget import Budget
from search.study.search_loop import Driver
from search.study.trial_records import read_records
from search.study.writable import writable
from tests.faults.test_killed_driver import finish
from tests.search.study.conftest import starts
from tests.search.study.test_search_loop import make_driver, run


def fill(disk: Path) -> Path:
    """Take all that is left of a disk. Returns the file to delete."""
    path = disk / "filler"
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return path


def search(folder: StudyFolder, driver: Driver, recorded: list[TrialRecord]) -> None:
    """Run a study until its disk fails; ``recorded`` collects the trials before that."""
    with writable(folder):
        for record in driver.run(Budget(trials=10_000)):
            recorded.append(record)  # noqa: PERF402 - kept when the next one fails


@pytest.mark.parametrize("storage", ["journal", "sqlite"])
def test_a_full_disk_ends_the_search_and_more_room_lets_it_go_on(
    small_disk: Path, space: Space, context: SpaceContext, storage: str
) -> None:
    driver = make_driver(small_disk, space, context, storage=storage)
    driver.prepare(starts(driver.space, driver.context, 3))
    folder = StudyFolder(small_disk)
    folder.config.touch()
    recorded: list[TrialRecord] = []
    with pytest.raises(UserError, match=r"\(.*(full|No space).*dato-search resume"):
        search(folder, driver, recorded)
    assert len(recorded) > 3
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    again = make_driver(small_disk, space, context, storage=storage)
    assert list(read_records(again.study)) == recorded
    run(again, trials=len(recorded) + 3)
    records = read_records(again.study)
    assert sum(not record.lost for record in records) == len(recorded) + 3


@pytest.mark.parametrize("write", [save_result, finish, write_report])
def test_files_on_a_full_disk_stay_as_they_were(
    small_disk: Path, result: StudyResult, write: Callable[[StudyResult, StudyFolder], object]
) -> None:
    folder = StudyFolder(small_disk)
    for path in (folder.trials, folder.front, folder.report):
        path.write_text("old")
    filler = fill(small_disk)
    with pytest.raises(UserError, match="No space left on device"), writable(folder):
        write(result, folder)
    filler.unlink()
    assert [p.read_text() for p in (folder.trials, folder.front, folder.report)] == ["old"] * 3
    assert not [path for path in small_disk.rglob("*") if path.name.endswith(".tmp")]


def test_reference_images_on_a_full_disk_leave_nothing(
    small_disk: Path, generator: Generator
) -> None:
    folder = StudyFolder(small_disk)
    fill(small_disk)
    with pytest.raises(UserError, match="No space left on device"), writable(folder):
        kept_images(folder.reference_images, 1, lambda: generator.generate(None, [0]))
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


@pytest.mark.parametrize("storage", ["journal", "sqlite"])
def test_a_deleted_folder_is_named_and_not_made_again(
    tmp_path: Path, space: Space, context: SpaceContext, storage: str
) -> None:
    root = tmp_path / "study"
    root.mkdir()
    driver = make_driver(root, space, context, storage=storage)
    driver.prepare(starts(driver.space, driver.context, 3))
    trials = driver.run(Budget(trials=50))
    next(trials)
    shutil.rmtree(root)
    with pytest.raises(UserError, match="was deleted or unmounted"), writable(StudyFolder(root)):
        list(trials)
    assert not root.exists()
