"""A study measures its calibration once, and plans its first trials from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.launch.first_schedules import places_calls
from search.launch.study_calibration import study_calibration, study_weights
from search.launch.workers.pool import Pool, SerialPool
from search.model.generator import Generator
from search.records.folder import StudyFolder
from search.settings import Config
from search.settings.compose import compose_config
from search.space import load_space
from search.study.optimal import planned_starts
from tests.search.model.tiny import STEPS


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
    assert watcher.stages == ["calibration: 8 unpatched runs"]
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


def test_only_a_space_of_single_calls_is_planned_for(config: Config) -> None:
    assert places_calls(load_space(config.space))
    for name in ("joint", "interval", "dynamics"):
        assert not places_calls(load_space(compose_config([f"space={name}"]).space))


def test_a_space_that_fits_nothing_measures_nothing(
    pool: Pool, config: Config, tmp_path: Path
) -> None:
    plain = {"name": "own", "refresh": {"rule": "per_call"}, "calls": {"depth": 0}}
    folder = StudyFolder(tmp_path / "study")
    found = study_weights(
        config.model_copy(update={"space": plain}), folder, pool, RecordingWatcher()
    )
    assert found is None
    assert not folder.calibration.exists()
