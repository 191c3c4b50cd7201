"""A study measures its calibration once, and plans its first trials from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.calibration.fit import Fitted
from search.calibration.table import Calibration
from search.model.generator import Generator
from search.preparation.calibration import study_calibration, study_context
from search.records.folder import StudyFolder
from search.settings import Config
from search.settings.compose import compose_config
from search.space import load_space
from search.starts.first_schedules import places_calls
from search.starts.planned import planned_starts
from search.workers.pool import Pool, SerialPool
from tests.search.model.tiny import STEPS

STEEP = {"early": 1.0, "late": 1.4}


class RecordingWatcher:
    def __init__(self) -> None:
        self.stages: list[str] = []

    def stage(self, text: str) -> None:
        self.stages.append(text)


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
    measured = study_calibration(config, folder, pool, watcher)
    again = study_calibration(config, folder, pool, watcher)
    assert watcher.stages == ["calibration: 4 unpatched runs"]
    assert (measured.output == again.output).all()
    assert list(measured.cuts) == [1, 2, 3]
    assert folder.calibration.is_file()


def test_what_is_planned_can_be_run(
    pool: Pool, config: Config, generator: Generator, tmp_path: Path
) -> None:
    measured = study_calibration(config, StudyFolder(tmp_path / "study"), pool, RecordingWatcher())
    plans = planned_starts(measured, {"full": 1.0, "0": 0.0}, 2)
    for plan in plans:
        assert generator.generate(plan.schedule(STEPS), [0]).latents.isfinite().all()


def test_starts_are_planned_where_a_space_can_express_them() -> None:
    for name in ("per_call", "planned"):
        assert places_calls(load_space(compose_config([f"space={name}"]).space))
    for name in ("joint", "interval", "dynamics"):
        assert not places_calls(load_space(compose_config([f"space={name}"]).space))


def test_a_context_is_calibrated_where_its_space_asks_for_it(
    pool: Pool, config: Config, tmp_path: Path
) -> None:
    folder, drift = StudyFolder(tmp_path / "study"), (0.0,) * STEPS
    plain = {"name": "own", "refresh": {"rule": "per_call"}, "calls": {"depth": 0}}
    for space, calibrated in (
        (plain, False),
        (plain | {"forecast": {"output": "fitted"}}, True),
        (plain | {"forecast": {"output": "linear"}}, False),
        (plain | {"forecast": {"output": "linear", "slope": STEEP}}, True),
        (compose_config(["space=planned"]).space, True),
    ):
        own = config.model_copy(update={"space": space})
        context = study_context(own, folder, pool, RecordingWatcher(), drift)
        assert isinstance(context.weights, Fitted) is calibrated
        assert folder.calibration.exists() is calibrated
        if calibrated:
            known = Calibration.load(folder.calibration)
            assert list(context.timesteps(STEPS)) == known.timesteps.tolist()
        folder.calibration.unlink(missing_ok=True)
