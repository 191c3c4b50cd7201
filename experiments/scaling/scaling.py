"""Trials a second, and what the driver itself costs, by workers and storage.

python -m experiments.scaling.scaling

The driver, storage and worker pool are the search's own, on a space of 60 dimensions. Only the
images are fake: each batch sleeps for a known time, and the rest of a trial's time is the driver's.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from dato import Layer, Schedule, Topology
from dato.files import replace_text
from experiments.command import command, processor, versions
from experiments.scaling.markdown import table
from experiments.scaling.workers import SleepingPool
from search.records.folder import StudyFolder
from search.records.quality import Quality
from search.records.record import TrialRecord
from search.settings import SamplerSettings, StorageSettings
from search.space import SpaceContext, load_space
from search.study.budget import Budget
from search.study.evaluator import Evaluator
from search.study.search_loop import Driver
from search.study.storage import open_study, other_drivers

HERE = Path(__file__).parent
COLUMNS = {
    "storage": "storage",
    "sampler": "sampler",
    "earlier trials": "earlier",
    "workers": "workers",
}
CALLS = 61
SPACE = {
    "name": "scaling",
    "refresh": {"rule": "per_call"},
    "calls": {"depth": {"kind": "choice", "values": [0, 1, 2, 3, "full"], "per": "call"}},
}
WORKERS = (1, 2, 4, 8, 16)
TOPOLOGY = Topology(12, (Layer("down_blocks.0.attentions.0", 0, 1),))


def priced(record: TrialRecord, schedule: Schedule) -> TrialRecord:
    """The cost of a call grows with its depth; a full one costs 1."""
    depths = [schedule.kind(call).depth for call in range(schedule.calls)]
    cost = sum(1.0 if depth == "full" else 0.01 + depth / 8 for depth in depths)
    return replace(record, schedule=schedule, latency_s=cost, speedup=CALLS / cost)


@dataclass(frozen=True)
class FakeEvaluator:
    """Prices a schedule by its depths, and takes as long over it as the pool's batches take."""

    pool: SleepingPool
    images: int

    def price(self, record: TrialRecord, schedule: Schedule) -> TrialRecord:
        return priced(record, schedule)

    def score(self, record: TrialRecord, _: Sequence[TrialRecord]) -> TrialRecord:
        """One rung of all images; the FID is that of nobody's model."""
        self.pool.generate(record.run, range(self.images))
        fid = CALLS - (record.latency_s or 0.0)
        quality = Quality(fid, fid, fid, self.images)
        return replace(record, state="complete", distance=fid, quality=quality)


@dataclass(frozen=True)
class Row:
    """What one study is run with.

    Args:
        earlier: trials that it has before those that are measured, on which the sampler builds.
    """

    workers: int
    storage: str
    sampler: str = "random"
    earlier: int = 0


def rows(storages: Sequence[str]) -> list[Row]:
    """Every storage with every number of workers, and what samplers cost."""
    plain = [Row(workers, storage) for storage in storages for workers in WORKERS]
    return plain + [Row(16, "journal", sampler, 150) for sampler in ("random", "tpe")]


def measure(row: Row, options: argparse.Namespace) -> dict[str, Any]:
    """One study's last trials: how many a second, and what of each no batch explains."""
    workers = row.workers
    ideal = math.ceil(options.images / workers) * options.seconds
    context = SpaceContext(CALLS, TOPOLOGY, (0.0,) + (0.1,) * (CALLS - 1))
    space = load_space(SPACE)
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as folder,
        SleepingPool(options.images, workers, options.seconds) as pool,
    ):
        study = open_study(
            StudyFolder(Path(folder)),
            storage := storage_settings(row.storage, options.url),
            SamplerSettings.model_validate({"name": row.sampler}),
            seed=0,
        )
        evaluator = cast(Evaluator, FakeEvaluator(pool, options.images))
        others = other_drivers(study, storage)
        driver = Driver(study, space, context, evaluator, "fid_reference", others=others)
        records = list(driver.run(Budget(trials=row.earlier + options.trials)))
        # A repeated schedule is answered from its record, without a batch.
        seconds = [record.seconds for record in records[row.earlier :] if not record.reason]
    extra = sorted(taken - ideal for taken in seconds)
    return {
        **asdict(row),
        "trials_per_s": 1 / statistics.median(seconds),
        "ideal_per_s": 1 / ideal,
        "overhead_s": statistics.median(extra),
        "overhead_range_s": [extra[0], extra[-1]],
    }


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--trials", type=int, default=12, help="for each row")
    parser.add_argument("--images", type=int, default=16, help="batches of a trial")
    parser.add_argument("--seconds", type=float, default=0.1, help="that a batch takes")
    parser.add_argument("--folder", help="where storages lie; /dev/shm leaves the disk out")
    parser.add_argument("--url", help="of a PostgreSQL database, which is then measured as well")
    options = parser.parse_args()
    storages = ["journal", "sqlite", *(["postgres"] if options.url else [])]
    runs = [measure(row, options) for row in rows(storages)]
    document = {
        "settings": {name: value for name, value in vars(options).items() if name != "url"},
        "machine": {"cores": os.cpu_count(), "load": os.getloadavg()[0], "cpu": processor()},
        "versions": versions("optuna"),
        "seed": 0,
        "runs": runs,
    }
    replace_text(HERE / "results.json", json.dumps(document, indent=1) + "\n")
    replace_text(HERE / "results.md", table(runs, COLUMNS))
    print(table(runs, COLUMNS))


def storage_settings(kind: str, url: str | None) -> StorageSettings:
    """A storage of its own; on a server, under a name that nobody has."""
    if kind != "postgres":
        return StorageSettings.model_validate({"kind": kind})
    return StorageSettings(kind="postgres", url=url, study=f"scaling-{uuid4()}")


if __name__ == "__main__":
    main()
