"""Trials a second, and what the driver itself costs, by workers and storage.

python -m experiments.scaling.scaling

The search's own driver, storage and dealing loop on a 60-dimensional space; only the images are
fake: each batch sleeps for a known time, so that what is left of a trial is the driver's.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from dato import Layer, Schedule, Topology
from dato.files import replace_text
from experiments.scaling.markdown import table
from experiments.scaling.workers import SleepingPool
from search.folder import StudyFolder
from search.record import Quality, TrialRecord
from search.settings import SamplerSettings, StorageSettings
from search.space import SpaceContext, load_space
from search.study.budget import Budget
from search.study.driver import Driver
from search.study.evaluator import Evaluator
from search.study.storage import open_study

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
        self.pool.generate(record.schedule, range(self.images))
        fid = CALLS - (record.latency_s or 0.0)
        quality = Quality(fid, fid, fid, self.images)
        return replace(record, state="complete", distance=fid, quality=quality)


def measure(
    workers: int, storage: str, sampler: str, earlier: int, options: argparse.Namespace
) -> dict[str, Any]:
    """One study's last trials: how many a second, and what of each no batch explains.

    Args:
        earlier: trials that the study has before those, on which the sampler builds.
    """
    ideal = math.ceil(options.images / workers) * options.seconds
    context = SpaceContext(CALLS, TOPOLOGY, (0.0,) + (0.1,) * (CALLS - 1))
    space = load_space(SPACE)
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as folder,
        SleepingPool(options.images, workers, options.seconds) as pool,
    ):
        study = open_study(
            StudyFolder(Path(folder)),
            StorageSettings.model_validate({"kind": storage}),
            SamplerSettings.model_validate({"name": sampler}),
            seed=0,
        )
        evaluator = cast(Evaluator, FakeEvaluator(pool, options.images))
        driver = Driver(study, space, context, evaluator, "fid_reference")
        records = list(driver.run(Budget(trials=earlier + options.trials)))
        # A repeated schedule is answered from its record, without a batch.
        seconds = [record.seconds for record in records[earlier:] if not record.reason]
    extra = sorted(taken - ideal for taken in seconds)
    return {
        "workers": workers,
        "storage": storage,
        "sampler": sampler,
        "earlier": earlier,
        "trials_per_s": 1 / statistics.median(seconds),
        "ideal_per_s": 1 / ideal,
        "overhead_s": statistics.median(extra),
        "overhead_range_s": [extra[0], extra[-1]],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=12, help="for each row")
    parser.add_argument("--images", type=int, default=16, help="batches of a trial")
    parser.add_argument("--seconds", type=float, default=0.1, help="that a batch takes")
    parser.add_argument("--folder", help="where storages lie; /dev/shm leaves the disk out")
    options = parser.parse_args()
    rows = [(workers, name, "random", 0) for name in ("journal", "sqlite") for workers in WORKERS]
    rows += [(16, "journal", sampler, 150) for sampler in ("random", "tpe")]
    runs = [measure(*row, options) for row in rows]
    document = {
        "settings": vars(options),
        "machine": {"cores": os.cpu_count(), "load": os.getloadavg()[0], "cpu": cpu()},
        "versions": {"python": platform.python_version(), "optuna": version("optuna")},
        "seed": 0,
        "runs": runs,
    }
    replace_text(HERE / "results.json", json.dumps(document, indent=1) + "\n")
    replace_text(HERE / "results.md", table(runs, COLUMNS))
    print(table(runs, COLUMNS))


def cpu() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


if __name__ == "__main__":
    main()
