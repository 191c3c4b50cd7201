"""Tuning goes through the pipeline's own run, keeps the sampler valid, and makes it better."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import dato
from dato import Kind, Schedule, TunedSampler
from search.errors import TrialError
from search.model.base_sampler import based
from search.model.generator import Generator
from search.records.base_sampler import Base
from search.tuning.gradient_run import denoised, frozen
from search.tuning.leaves import Leaves
from search.tuning.start import tuned_schedule, written
from search.tuning.tune import Tuning, tune

LINES = Schedule.uniform(6, 2, 0, forecast="linear")
numbers = st.floats(-3, 3)


def leaves_of(generator: Generator) -> Leaves:
    generator.pipe.scheduler.set_timesteps(6)
    return Leaves.of(written(LINES, generator.pipe.scheduler))


@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=9))
def test_whatever_the_leaves_are_the_sampler_is_valid(rows: list[tuple[float, ...]]) -> None:
    gaps, slopes, thirds = torch.tensor(rows, dtype=torch.float64).T
    sampler = Leaves(900.0, gaps, slopes, thirds).sampler()
    assert sampler.timesteps[0] == 900
    assert all(sum(row) == pytest.approx(1) for row in sampler.weights)


def test_leaves_give_the_sampler_that_they_were_made_of() -> None:
    start = TunedSampler(
        (980.0, 700.5, 310.0, 80.0), ((1.0,), (1.4, -0.4), (1.5, -0.7, 0.2), (0.9, 0.1, 0.0))
    )
    sampler = Leaves.of(start).sampler()
    assert sampler.timesteps == pytest.approx(start.timesteps)
    for row, expected in zip(sampler.weights, start.weights, strict=True):
        assert row == pytest.approx(expected)


def test_a_schedule_written_as_a_sampler_makes_the_same_images(generator: Generator) -> None:
    expected = generator.generate(LINES, range(4)).latents
    generator.pipe.scheduler.set_timesteps(6)
    schedule = tuned_schedule(LINES, written(LINES, generator.pipe.scheduler))
    with based(generator, Base("DDIMScheduler", 3)) as few:
        result = few.generate(schedule, range(4)).latents
    torch.testing.assert_close(result, expected, rtol=1e-3, atol=1e-3)


def test_a_schedule_with_cuts_is_no_sampler(generator: Generator) -> None:
    generator.pipe.scheduler.set_timesteps(6)
    with pytest.raises(TrialError, match="calls of depth 1 is no sampler"):
        written(Schedule.uniform(6, 2, 1), generator.pipe.scheduler)


def test_the_run_with_gradients_is_the_run_without(generator: Generator) -> None:
    leaves = leaves_of(generator)
    with based(generator, Base("DDIMScheduler", 3)) as few:
        differentiable = denoised(few, 0, leaves)
        schedule = Schedule({"full": Kind()}, ("full",) * 3, tuned=leaves.sampler())
        with dato.applied(few.pipe, schedule):
            plain = few.loop(0)
        assert "step" not in vars(few.pipe.scheduler), "the scheduler is given back"
    torch.testing.assert_close(differentiable.detach(), plain, rtol=1e-4, atol=1e-4)
    assert differentiable.requires_grad


@pytest.mark.parametrize("name", ["gaps", "slopes", "thirds"])
def test_gradients_are_those_of_differences(generator: Generator, name: str) -> None:
    """Nearly: the noise schedule has a corner at each trained timestep."""
    leaves, place, small = leaves_of(generator), 2, 1e-2
    leaf: Any = getattr(leaves, name)

    def loss() -> torch.Tensor:
        return denoised(few, 0, leaves).double().square().mean()

    base = Base("DDIMScheduler", 3)
    with based(generator, base) as few, frozen(generator.denoiser):
        loss().backward()
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                leaf[place] += sign * small
                values.append(float(loss()))
                leaf[place] -= sign * small
    assert float(leaf.grad[place]) == pytest.approx((values[0] - values[1]) / 2 / small, rel=0.15)


def tuned(generator: Generator, iterations: int) -> Tuning:
    return tune(generator, LINES, generator.workload, iterations)


def test_tuning_lowers_the_error_and_is_deterministic(generator: Generator) -> None:
    tuning = tuned(generator, 10)
    assert min(tuning.losses) < tuning.losses[0]
    assert tuning.schedule.calls == 3
    assert tuned(generator, 10) == tuning
    assert all(
        not each.requires_grad or each.grad is None for each in generator.denoiser.parameters()
    )


def test_without_iterations_the_start_comes_back(generator: Generator) -> None:
    tuning = tuned(generator, 0)
    assert tuning.schedule.tuned == leaves_of(generator).sampler()


def test_where_memory_ends_batches_get_smaller(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    real = Generator.loop

    def loop(self: Generator, chunk: int, *args: Any, **options: Any) -> torch.Tensor:
        sizes.append(self.model.batch_size)
        if self.model.batch_size > 1:
            raise torch.OutOfMemoryError
        return real(self, chunk, *args, **options)

    monkeypatch.setattr(Generator, "loop", loop)
    assert tuned(generator, 1).iterations == 1
    assert sizes[0] == 2
    assert sizes[-1] == 1
