"""Each base sampler of a study has its own calls, drift and calibration, made once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from search.calibration.table import Calibration
from search.errors import ConfigError, TrialError
from search.model.base_sampler import based
from search.model.generator import Generator
from search.preparation.bases import calls_of_bases, drift_on
from search.preparation.calibration import study_context
from search.records.base_sampler import Base, Run
from search.records.folder import StudyFolder
from search.records.reference import base_path
from search.settings import Config
from search.settings.compose import compose_config
from search.space import SpaceContext, load_space
from search.workers.pool import SerialPool
from tests.search.model.tiny import STEPS
from tests.search.preparation.benches import RecordingWatcher, bench_of

HEUN = Base("HeunDiscreteScheduler", 3)
KARRAS = Base("DPMSolverMultistepScheduler", 4, (("use_karras_sigmas", True),))
SPACE = {
    "name": "mine",
    "base": {
        "kind": "choice",
        "values": [
            "own",
            {"scheduler": HEUN.scheduler, "steps": 3},
            {"scheduler": KARRAS.scheduler, "steps": 4, "use_karras_sigmas": True},
        ],
    },
    "refresh": {"rule": "planned", "full_calls": {"kind": "int", "low": 1, "high": 9}},
    "cached": {"depth": 1, "reuse": {"kind": "choice", "values": [0.0, 0.5]}},
    "forecast": {"cut": "fitted"},
}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("\n".join(f"{first} {second}" for first in "abcd" for second in "efgh"))
    found = compose_config([f"model.prompts='{prompts}'", "model.batch_size=2"])
    return found.model_copy(update={"space": SPACE})


def context_of(config: Config, pool: SerialPool, folder: Path) -> tuple[SpaceContext, list[str]]:
    watcher, drift = RecordingWatcher(), (0.0, *(1.0,) * (STEPS - 1))
    bench = bench_of(config, pool, folder, watcher)
    return study_context(bench, drift, calls_of_bases(bench.space, pool)), watcher.stages


def test_a_base_is_measured_once_and_calibrated_when_a_schedule_asks(
    config: Config, generator: Generator, tmp_path: Path
) -> None:
    folder, pool, space = StudyFolder(tmp_path / "s"), SerialPool(generator), load_space(SPACE)
    context, stages = context_of(config, pool, folder.root)
    assert stages == [
        "calibration: 4 unpatched runs",
        "drift on Heun, 3 steps",
        "drift on DPM-Solver++ 2M, 4 steps, use_karras_sigmas=true",
    ]
    assert [context.on(base).calls for base in space.bases] == [STEPS, 5, 4]
    params = {"base": HEUN.label, "refresh.full_calls": 2, "cached.reuse": 0.0}
    schedule = space.decode(params, context)
    assert stages[3:] == ["calibration on Heun, 3 steps: 4 unpatched runs"]
    assert schedule.calls == 5
    assert schedule.weights
    assert not base_path(folder, KARRAS, ".safetensors").exists()
    assert Calibration.load(base_path(folder, HEUN, ".safetensors")).calls == 5
    again, stages = context_of(config, pool, folder.root)
    assert space.decode(params, again) == schedule
    assert stages == []


def test_a_schedule_runs_on_the_base_with_its_settings(
    config: Config, generator: Generator, tmp_path: Path
) -> None:
    pool, space = SerialPool(generator), load_space(SPACE)
    context, _ = context_of(config, pool, tmp_path / "s")
    params = {"base": KARRAS.label, "refresh.full_calls": 4, "cached.reuse": 0.0}
    run = space.run(params, context)
    plain = replace(KARRAS, settings=())
    made = pool.generate(run, range(2)).latents
    assert made.equal(pool.generate(Run(None, KARRAS), range(2)).latents), "every call is full"
    assert not made.equal(pool.generate(Run(None, plain), range(2)).latents)


def test_drivers_that_share_a_server_find_every_calibration(
    config: Config, generator: Generator, tmp_path: Path
) -> None:
    storage = config.storage.model_copy(update={"kind": "postgres"})
    shared = config.model_copy(update={"storage": storage})
    _, stages = context_of(shared, SerialPool(generator), tmp_path / "s")
    assert sum("calibration on" in stage for stage in stages) == 2


def test_a_space_without_bases_asks_nothing_of_the_model(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = {key: value for key, value in SPACE.items() if key != "base"}

    def untouched(work: object) -> object:
        raise AssertionError("nothing is asked of the model")

    pool = SerialPool(generator)
    monkeypatch.setattr(pool, "measure", untouched)
    assert calls_of_bases(load_space(one), pool) == {}


def test_a_base_that_the_model_cannot_run_is_named(generator: Generator) -> None:
    wrong = [
        {"scheduler": "FlowMatchEulerDiscreteScheduler", "steps": 4},
        {"scheduler": "DDIMScheduler", "steps": 4, "use_karas_sigmas": True},
    ]
    space = load_space({**SPACE, "base": {"kind": "choice", "values": ["own", *wrong]}})
    with pytest.raises(ConfigError) as caught:
        calls_of_bases(space, SerialPool(generator))
    assert "FlowMatchEulerDiscreteScheduler does not fit this model" in str(caught.value)
    assert "DDIMScheduler has no setting 'use_karas_sigmas'" in str(caught.value)


def test_the_models_own_sampler_is_back_after_a_failure(generator: Generator) -> None:
    own = generator.pipe.scheduler
    bad = replace(KARRAS, settings=(("algorithm_type", "none"),))
    with pytest.raises(TrialError, match="does not take"), based(generator, bad):
        pass
    assert generator.pipe.scheduler is own


def test_the_drift_of_a_base_is_that_of_its_own_calls(
    config: Config, generator: Generator, tmp_path: Path
) -> None:
    bench = bench_of(config, SerialPool(generator), tmp_path / "s")
    drift = drift_on(bench, HEUN)
    assert len(drift) == 5
    assert drift[0] == 0 < min(drift[1:])
    assert drift == drift_on(bench, HEUN)
