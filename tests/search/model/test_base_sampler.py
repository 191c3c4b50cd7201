"""Runs of the same model on another sampler."""

from __future__ import annotations

import pytest
import torch
from diffusers import DDIMScheduler, HeunDiscreteScheduler, PNDMScheduler

from dato.step_counts import calls_of
from search.errors import TrialError
from search.model.base_sampler import based, calls_on
from search.model.generator import Generator
from search.model.samplers import steps_of
from search.records.base_sampler import Base
from tests.search.model.tiny import SEARCH, tiny_config

DPM = Base("DPMSolverMultistepScheduler", 3)


def test_a_run_on_another_sampler_is_that_of_a_model_that_was_loaded_with_it(
    generator: Generator, tiny_folder: object
) -> None:
    loaded = Generator(
        tiny_config(
            tiny_folder,  # type: ignore[arg-type]
            scheduler=DPM.scheduler,
            num_inference_steps=DPM.steps,
        ),
        SEARCH,
    )
    with based(generator, DPM) as other:
        found = other.generate(None, range(2))
        assert other.calls == loaded.calls == 3
    assert torch.equal(found.latents, loaded.generate(None, range(2)).latents)


def test_afterwards_the_model_runs_as_before(generator: Generator) -> None:
    before, calls = generator.generate(None, range(2)), generator.calls
    own = generator.pipe.scheduler
    with based(generator, DPM) as other:
        other.generate(None, range(2))
    assert generator.pipe.scheduler is own
    assert generator.calls == calls
    assert torch.equal(before.latents, generator.generate(None, range(2)).latents)


def test_no_other_sampler_is_the_generator_itself(generator: Generator) -> None:
    with based(generator, None) as same:
        assert same is generator


def test_a_sampler_that_does_not_fit_costs_only_whoever_asked_for_it(generator: Generator) -> None:
    own = generator.pipe.scheduler
    with (
        pytest.raises(TrialError, match="does not fit this model"),
        based(generator, Base("FlowMatchEulerDiscreteScheduler", 3)),
    ):
        pass
    assert generator.pipe.scheduler is own


def test_each_sampler_says_how_many_calls_it_makes_or_why_none(generator: Generator) -> None:
    heun = Base("HeunDiscreteScheduler", 4)
    assert calls_on(generator, [DPM, heun]) == (3, 7)
    (reason,) = calls_on(generator, [Base("NoSuchScheduler", 4)])
    assert isinstance(reason, str)


@pytest.mark.parametrize("scheduler", [DDIMScheduler(), PNDMScheduler(skip_prk_steps=True)])
def test_some_number_of_steps_makes_so_many_calls(scheduler: object) -> None:
    assert calls_of(scheduler, steps_of(scheduler, 7)) == 7


def test_a_sampler_of_second_order_makes_no_even_number_of_calls() -> None:
    assert steps_of(HeunDiscreteScheduler(), 7) == 4
    with pytest.raises(TrialError, match="HeunDiscreteScheduler makes 6 calls in no number"):
        steps_of(HeunDiscreteScheduler(), 6)
