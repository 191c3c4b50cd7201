"""What every launcher owes a study: the same trials, none twice, none lost, whoever runs them."""

from __future__ import annotations

import importlib.util
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from search.cli.main import main
from search.records.record import TrialRecord
from tests.faults.studies import records
from tests.postgres import PostgresServer
from tests.search.cli.test_study_life import SMALL

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.filterwarnings("default")]

SEARCHED = ("sampler=random", "budget.trials=6")
FIXED = ("warmstart.count=4", "budget.trials=8", "quality.rung_margin=1e9", "study.seed=3")
"""The unpatched model and four warm starts come first: a list that no driver chooses from. Whether
a trial is pruned would depend on which others are recorded before it."""

EXTRAS = {"ray": "ray", "slurm": "submitit"}


@dataclass(frozen=True)
class Launcher:
    """How a sweep is launched.

    Args:
        name: as ``launcher=`` takes it; ``executor`` likewise.
    """

    name: str
    executor: str = ""

    @property
    def overrides(self) -> tuple[str, ...]:
        executor = (f"launcher.executor={self.executor}",) if self.executor else ()
        return (f"launcher={self.name}", *executor)


LAUNCHERS = [
    Launcher("local"),
    Launcher("ray"),
    Launcher("slurm", "debug"),
    Launcher("slurm", "local"),
    Launcher("slurm", "slurm"),
]


@pytest.fixture(params=LAUNCHERS, ids=lambda launcher: "-".join(launcher.overrides))
def overrides(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Of a launcher, and of the storage that it needs."""
    launcher: Launcher = request.param
    package = EXTRAS.get(launcher.name)
    if package is not None and importlib.util.find_spec(package) is None:
        pytest.skip(f"needs {package} (pip install 'dato[{launcher.name}]')")
    if launcher.name != "slurm":
        return launcher.overrides
    if launcher.executor == "slurm":
        request.getfixturevalue("slurm")
    server: PostgresServer = request.getfixturevalue("postgres")
    storage = server.storage()
    url, study = f"storage.url={storage.url}", f"storage.study={storage.study}"
    return (*launcher.overrides, "storage=postgres", url, study)


def swept(folder: Path, *overrides: str) -> tuple[TrialRecord, ...]:
    assert main(["sweep", "--plain", f"study.folder={folder}", *SMALL, *overrides]) == 0
    return records(folder)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of one process."""
    folder = tmp_path_factory.mktemp("searched") / "study"
    swept(folder, *SEARCHED, "launcher=serial")
    return folder


@pytest.fixture(scope="module")
def fixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fixed list of schedules, in one process."""
    folder = tmp_path_factory.mktemp("fixed") / "study"
    swept(folder, *FIXED, "launcher=serial")
    return folder


def same_table(folder: Path) -> str:
    return f"latency.tables=[{folder / 'cost_table.json'}]"


def without_times(records: tuple[TrialRecord, ...]) -> list[tuple[object, ...]]:
    return [(r.number, r.state, r.origin, r.params, r.quality, r.latency_s) for r in records]


def test_one_worker_tells_the_trials_of_one_process(
    overrides: tuple[str, ...], searched: Path, tmp_path: Path
) -> None:
    found = swept(
        tmp_path / "study", *SEARCHED, same_table(searched), *overrides, "launcher.workers=1"
    )
    assert without_times(found) == without_times(records(searched))
    assert len(found) == 6


def test_two_workers_score_a_list_of_schedules_as_one_does(
    overrides: tuple[str, ...], fixed: Path, tmp_path: Path
) -> None:
    found = swept(tmp_path / "study", *FIXED, same_table(fixed), *overrides, "launcher.workers=2")
    expected = {record.schedule: record.quality for record in listed(records(fixed))}
    assert len(expected) == 5
    assert {record.schedule: record.quality for record in listed(found)} == expected
    assert not any(record.lost for record in found)
    assert Counter(record.state for record in listed(found)) == {"complete": 5}
    assert len(found) == 8


def listed(records: tuple[TrialRecord, ...]) -> list[TrialRecord]:
    """Those that no driver chose."""
    return [record for record in records if record.origin in ("baseline", "warmstart")]
