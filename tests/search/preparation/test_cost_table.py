"""A study runs on the table that it was given for its own place, and keeps the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.errors import UserError
from search.latency.cost_file import load_cost_table
from search.latency.cost_table import CostTable
from search.model.generator import Generator
from search.preparation.cost_table import checked, study_table
from search.records.folder import StudyFolder
from search.settings import Config
from search.settings.compose import compose_config
from search.workers.pool import Pool, SerialPool
from tests.search.preparation.benches import RecordingWatcher, bench_of

QUICK = ("latency.repeats=1", "latency.budget_s=0.01", "latency.check_schedules=2")


def config(*paths: Path) -> Config:
    # In Hydra's grammar an equals sign or a space inside a path needs quotes.
    tables = ",".join(f"'{path}'" for path in paths)
    return compose_config([*QUICK, f"latency.tables=[{tables}]"])


@pytest.fixture(scope="module")
def pool(generator: Generator) -> Pool:
    return SerialPool(generator)


@pytest.fixture(scope="module")
def own(pool: Pool, tmp_path_factory: pytest.TempPathFactory) -> CostTable:
    return study_table(bench_of(config(), pool, tmp_path_factory.mktemp("own")))


def saved(table: CostTable, path: Path, **place: object) -> Path:
    table = table.model_copy(update={"place": table.place.model_copy(update=place)})
    table.save(path)
    return path


def test_without_tables_one_is_measured_once(pool: Pool, tmp_path: Path) -> None:
    watcher, folder = RecordingWatcher(), StudyFolder(tmp_path)
    bench = bench_of(config(), pool, tmp_path, watcher)
    measured = study_table(bench)
    assert study_table(bench) == measured
    assert watcher.stages == ["measuring the cost table"]
    assert load_cost_table(folder.cost_table) == measured


def test_the_table_of_this_place_is_used_and_the_others_are_kept(
    pool: Pool, own: CostTable, tmp_path: Path
) -> None:
    mine = saved(own, tmp_path / "mine.json")
    other = saved(own, tmp_path / "other.json", device="NVIDIA H200", dtype="float16")
    watcher, folder = RecordingWatcher(), StudyFolder(tmp_path / "study")
    assert study_table(bench_of(config(other, mine), pool, folder.root, watcher)) == own
    assert watcher.stages == []
    assert [path.name for path in folder.tables.iterdir()] == ["nvidia-h200-float16-b2-16x16.json"]


def test_two_tables_of_one_place_are_one_too_many(
    pool: Pool, own: CostTable, tmp_path: Path
) -> None:
    paths = [saved(own, tmp_path / name) for name in ("a.json", "b.json")]
    with pytest.raises(UserError, match=r"holds 2 tables for .* Give one"):
        study_table(bench_of(config(*paths), pool, tmp_path / "study"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"calls": 50}, "calls 50, not 6"),
        ({"architecture": "sha256:" + "1" * 64}, "architecture"),
        ({"skip_branches": 9}, "skip_branches 9, not 6"),
        ({"layers": ()}, "layers"),
        ({"guided": False}, "guided False, not True"),
    ],
)
def test_a_table_of_other_work_is_refused_before_anything_is_measured(
    pool: Pool, own: CostTable, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    other = own.model_copy(update={"work": own.work.model_copy(update=change)})
    other.save(tmp_path / "other.json")
    folder = StudyFolder(tmp_path / "study")
    with pytest.raises(
        UserError, match=f"does not price this study.s work.*{message}.*dato-search cost-table"
    ):
        study_table(bench_of(config(tmp_path / "other.json"), pool, folder.root))
    assert not folder.cost_table.exists()


def test_a_check_is_kept_in_the_table(pool: Pool, own: CostTable, tmp_path: Path) -> None:
    check = checked(own, bench_of(config(), pool, tmp_path)).check
    assert check is not None
    assert (check.schedules, check.repeats) == (2, 1)
    assert 0 <= check.median <= check.worst
