"""Trials a second of several drivers that share a study on PostgreSQL, and what each trial costs.

python -m experiments.scaling.drivers --url postgresql://user@host:5432/database

As launcher=slurm has it: each driver proposes, evaluates and tells trials of its own. Only the
evaluation is fake: it sleeps for a known time, so that what is left of a trial is the driver's,
its wait for a turn included.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from sqlalchemy import create_engine, text

from dato import Schedule
from dato.files import replace_text
from experiments.command import command, processor, versions
from experiments.scaling.markdown import table
from experiments.scaling.scaling import CALLS, HERE, SPACE, TOPOLOGY, WORKERS, priced
from search.records.folder import StudyFolder
from search.records.quality import Quality
from search.records.record import TrialRecord
from search.settings import SamplerSettings, StorageSettings
from search.space import SpaceContext, load_space
from search.study.budget import Budget
from search.study.evaluator import Evaluator
from search.study.search_loop import Driver
from search.study.storage import open_study, other_drivers
from search.study.trial_records import read_records

COLUMNS = {"storage": "storage", "drivers": "workers"}


@dataclass(frozen=True)
class SleepingEvaluator:
    """Takes ``seconds`` over every schedule; the FID is that of nobody's model."""

    seconds: float

    def price(self, record: TrialRecord, schedule: Schedule) -> TrialRecord:
        return priced(record, schedule)

    def score(self, record: TrialRecord, _: Sequence[TrialRecord]) -> TrialRecord:
        time.sleep(self.seconds)
        fid = CALLS - (record.latency_s or 0.0)
        quality = Quality(fid, fid, fid, 1)
        return replace(record, state="complete", distance=fid, quality=quality, images=1)


def drive(storage: StorageSettings, worker: int, seconds: float, trials: int, start: Any) -> None:
    """One driver, from when all are ready."""
    study = open_study(
        StudyFolder(Path()), storage, SamplerSettings(name="random"), seed=0, worker=worker
    )
    context = SpaceContext(CALLS, TOPOLOGY, (0.0,) + (0.1,) * (CALLS - 1))
    evaluator = cast(Evaluator, SleepingEvaluator(seconds))
    others = other_drivers(study, storage)
    driver = Driver(study, load_space(SPACE), context, evaluator, "fid_reference", others=others)
    start.wait()
    for _ in driver.run(Budget(trials=trials)):
        pass


def measure(workers: int, options: argparse.Namespace) -> dict[str, Any]:
    """A new study's first trials, ``options.trials`` for each of its drivers."""
    storage = StorageSettings(kind="postgres", url=options.url, study=f"scaling-{uuid.uuid4()}")
    total = options.trials * workers
    context: Any = multiprocessing.get_context("fork")
    start = context.Barrier(workers + 1)
    drivers = [
        context.Process(
            target=drive, args=(storage, number, options.seconds, total, start), daemon=True
        )
        for number in range(workers)
    ]
    for driver in drivers:
        driver.start()
    start.wait()
    started = time.perf_counter()
    for driver in drivers:
        driver.join()
    elapsed = time.perf_counter() - started
    study = open_study(StudyFolder(Path()), storage, SamplerSettings(name="random"), seed=0)
    records = read_records(study)
    assert len(records) == len({record.schedule for record in records}) == total
    extra = sorted(record.seconds - options.seconds for record in records)
    return {
        "workers": workers,
        "storage": "postgres",
        "sampler": "random",
        "trials_per_s": total / elapsed,
        "ideal_per_s": workers / options.seconds,
        "overhead_s": statistics.median(extra),
        "overhead_range_s": [extra[0], extra[-1]],
        "load": os.getloadavg()[0],
    }


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--url", required=True, help="database; its password as psql takes it")
    parser.add_argument("--trials", type=int, default=6, help="for each driver")
    parser.add_argument("--seconds", type=float, default=2.0, help="that a trial takes")
    options = parser.parse_args()
    with create_engine(options.url.replace(":", "+psycopg:", 1)).connect() as connection:
        server = str(connection.execute(text("SHOW server_version")).scalar())
    runs = [measure(workers, options) for workers in WORKERS]
    settings = {name: value for name, value in vars(options).items() if name != "url"}
    document = {
        "settings": settings,
        "machine": {"cores": os.cpu_count(), "cpu": processor()},
        "versions": {**versions("optuna"), "postgresql": server},
        "seed": 0,
        "runs": runs,
    }
    replace_text(HERE / "drivers.json", json.dumps(document, indent=1) + "\n")
    replace_text(HERE / "drivers.md", table(runs, COLUMNS))
    print(table(runs, COLUMNS))


if __name__ == "__main__":
    main()
