"""A study measures its calibration once, and plans its first trials from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.calibration.fit import Fitted
from search.model.generator import Generator
from search.preparation.calibration import study_calibration, study_context
from search.records.folder import StudyFolder
from search.settings import Config
from search.settings.compose import compose_config
from search.starts.planned import spread_placements
from search.workers.pool import Pool, SerialPool
from tests.search.model.tiny import STEPS
from tests.search.preparation.benches import RecordingWatcher, bench_of

STEEP = {"early": 1.0, "late": 1.4}


@pytest.fixture
def pool(generator: Generator) -> Pool:
    return SerialPool(generator)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("\n".join(f"{first} {second}" for first in "abcd" for second in "efgh"))
    return compose_config(["space=per_call", f"model.prompts='{prompts}'"])


def test_it_is_measured_once_on_the_space_s_depths(
    pool: Pool, config: Config, tmp_path: Path
) -> None:
    folder, watcher = StudyFolder(tmp_path / "study"), RecordingWatcher()
    bench = bench_of(config, pool, folder.root, watcher)
    measured, again = study_calibration(bench), study_calibration(bench)
    assert watcher.stages == ["calibration: 4 unpatched runs"]
    assert (measured.output == again.output).all()
    assert list(measured.cuts) == [1, 2, 3]
    assert folder.calibration.is_file()


def test_what_is_planned_can_be_run(
    pool: Pool, config: Config, generator: Generator, tmp_path: Path
) -> None:
    measured = study_calibration(bench_of(config, pool, tmp_path / "study"))
    plans = spread_placements(measured, {"full": 1.0, "0": 0.0}, 2)
    for plan in plans:
        assert generator.generate(plan.schedule(STEPS), [0]).latents.isfinite().all()


def test_a_context_is_calibrated_where_its_space_asks_for_it(
    pool: Pool, config: Config, tmp_path: Path
) -> None:
    folder, drift = StudyFolder(tmp_path / "study"), (0.0,) * STEPS
    plain = {"name": "own", "refresh": {"rule": "per_call"}, "calls": {"depth": 0}}
    for space, calibrated in (
        (plain, False),
        (plain | {"forecast": {"output": "fitted"}}, True),
        (plain | {"forecast": {"output": "linear"}}, False),
        (plain | {"forecast": {"output": "linear", "slope": STEEP}}, False),
        (compose_config(["space=planned"]).space, True),
    ):
        own = config.model_copy(update={"space": space})
        context = study_context(bench_of(own, pool, folder.root), drift)
        assert isinstance(context.weights, Fitted) is calibrated
        assert folder.calibration.exists() is calibrated
        folder.calibration.unlink(missing_ok=True)
