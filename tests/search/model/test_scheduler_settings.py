"""A scheduler may run with other settings than the pipeline's own."""

from __future__ import annotations

from typing import Any

import pytest

from search.errors import UserError
from search.model.loading import ModelConfig, load_pipeline
from search.model.samplers import set_scheduler

DPM = "DPMSolverMultistepScheduler"


@pytest.fixture(scope="module")
def pipe() -> Any:
    return load_pipeline(ModelConfig(weights="tiny", architecture="sd15"))


@pytest.fixture(autouse=True)
def _own(pipe: Any) -> Any:
    own = pipe.scheduler
    yield
    pipe.scheduler = own


def test_settings_are_set_and_all_others_stay(pipe: Any) -> None:
    own = pipe.scheduler.config
    set_scheduler(pipe, DPM, {"use_karras_sigmas": True, "solver_order": 3})
    found = pipe.scheduler.config
    assert (found.use_karras_sigmas, found.solver_order) == (True, 3)
    assert found.beta_schedule == own.beta_schedule


def test_a_setting_wins_over_a_default_of_the_scheduler_before(pipe: Any) -> None:
    """diffusers forgets values that a configuration lists as defaults."""
    set_scheduler(pipe, DPM)
    set_scheduler(pipe, DPM, {"use_karras_sigmas": True})
    assert pipe.scheduler.config.use_karras_sigmas is True


def test_an_unknown_setting_is_answered_with_the_closest(pipe: Any) -> None:
    own = pipe.scheduler
    with pytest.raises(UserError, match=r"no setting 'use_karas_sigmas'. Did you mean 'use_karras"):
        set_scheduler(pipe, DPM, {"use_karas_sigmas": True})
    assert pipe.scheduler is own


def test_a_value_that_the_class_refuses_is_a_sentence(pipe: Any) -> None:
    with pytest.raises(UserError, match="does not take algorithm_type='nonsense'"):
        set_scheduler(pipe, DPM, {"algorithm_type": "nonsense"})
