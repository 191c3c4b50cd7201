"""Tuning goes through the pipeline's own run, keeps the sampler valid, and makes it better."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dato import Schedule, TunedSampler
from search.errors import TrialError
from search.model.base_sampler import based
from search.model.begun import begun
from search.model.generator import Generator
from search.model.workload import Workload
from search.records.base_sampler import Base, Run
from search.records.timesteps import Timesteps
from search.tuning.numbers import MOST, Number, moved, numbers_of
from search.tuning.repeated_run import RepeatedRun, latents_under
from search.tuning.start import tuned_schedule, written
from search.tuning.tune import Tuning, tune
from tests.search.model.test_families import config
from tests.search.model.tiny import SEARCH, tiny_config

LINES = Schedule.uniform(6, 2, 0, forecast="linear")
START = TunedSampler(
    (980.0, 700.5, 310.0, 80.0), ((1.0,), (1.4, -0.4), (1.5, -0.7, 0.2), (0.9, 0.1, 0.0))
)
BASE = Base("DDIMScheduler", 3)


def start_of(generator: Generator) -> TunedSampler:
    generator.pipe.scheduler.set_timesteps(6)
    return written(LINES, generator.pipe.scheduler)


@given(st.lists(st.floats(-9, 9), min_size=8, max_size=8))
def test_whatever_the_steps_are_the_sampler_is_valid(steps: list[float]) -> None:
    sampler = moved(START, numbers_of(4), steps)
    assert sampler.timesteps[0] == START.timesteps[0]
    assert all(sum(row) == pytest.approx(1) for row in sampler.weights)
    gaps = [before - after for before, after in pairwise((*START.timesteps, 0.0))]
    after = [before - after for before, after in pairwise((*sampler.timesteps, 0.0))]
    assert all(new >= (1 - 2 * MOST) * old - 1e-9 for new, old in zip(after, gaps, strict=True))


def test_every_number_moves_the_sampler_and_none_leaves_it_as_it_is() -> None:
    numbers = numbers_of(4)
    assert moved(START, numbers, [0.0] * len(numbers)) == START
    for number in numbers:
        other = moved(START, [number], [0.1])
        timesteps = other.timesteps != START.timesteps
        weights = [a != b for a, b in zip(other.weights, START.weights, strict=True)]
        assert timesteps == (number.what == "timestep")
        assert weights == [number.what != "timestep" and call == number.call for call in range(4)]


def test_a_schedule_written_as_a_sampler_makes_the_same_images(generator: Generator) -> None:
    expected = generator.generate(LINES, range(4)).latents
    generator.pipe.scheduler.set_timesteps(6)
    schedule = tuned_schedule(LINES, written(LINES, generator.pipe.scheduler))
    with based(generator, BASE) as few:
        result = few.generate(schedule, range(4)).latents
    torch.testing.assert_close(result, expected, rtol=1e-3, atol=1e-3)


def test_a_schedule_with_cuts_is_no_sampler(generator: Generator) -> None:
    generator.pipe.scheduler.set_timesteps(6)
    with pytest.raises(TrialError, match="calls of depth 1 is no sampler"):
        written(Schedule.uniform(6, 2, 1), generator.pipe.scheduler)


@pytest.mark.parametrize("number", numbers_of(3), ids=str)
def test_calls_before_a_change_need_not_run_again(generator: Generator, number: Number) -> None:
    start = start_of(generator)
    other = moved(start, [number], [0.1])
    with based(generator, BASE) as few:
        run = RepeatedRun(few, 0, start)
        torch.testing.assert_close(run.latents, latents_under(few, 0, start), rtol=0, atol=0)
        changed = run.again(other, number.first)
        torch.testing.assert_close(changed, latents_under(few, 0, other), rtol=0, atol=0)
    assert not torch.equal(changed, run.latents)
    assert "forward" not in vars(few.denoiser), "the denoiser is given back"


def test_unpatched_steps_of_another_sampler_are_a_start(generator: Generator) -> None:
    """At given timesteps too; it is close to that sampler, and tuned towards the study's own."""
    planned = Timesteps("planned", (950.0, 700.0, 420.0, 180.0))
    base = Base("DPMSolverMultistepScheduler", 4, timesteps=planned)
    start = tune(generator, Run(None, base), generator.workload, 0).schedule
    assert start.tuned is not None and start.tuned.timesteps == planned.values
    aim = generator.generate(None, range(4)).latents
    with based(generator, base) as few:
        steps = few.generate(None, range(4)).latents
    with based(generator, Base("DDIMScheduler", 4)) as few:
        result = few.generate(start, range(4)).latents
    assert (result - steps).square().mean() < 0.05 * (steps - aim).square().mean()
    tuning = tune(generator, Run(None, base), generator.workload, 2)
    assert min(tuning.losses) < tuning.losses[0]


def test_flux_is_tuned_under_the_shift_of_its_pipeline() -> None:
    """Its pipeline moves every timestep by the size of the image."""
    model = config("flux-dev", weights="tiny", architecture="flux-dev", num_inference_steps=6)
    flux = Generator(model, Workload(("a cat", "snow", "a house"), 1))
    held = Run(Schedule.uniform(6, 2, 0))
    start = tune(flux, held, flux.workload, 0).schedule.tuned
    assert start is not None
    assert start.timesteps == tuple(begun(flux).timesteps[::2].tolist())
    tuning = tune(flux, held, flux.workload, 2)
    assert min(tuning.losses) < tuning.losses[0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_tuned_with_exact_numbers(tiny_folder: Path, dtype: str) -> None:
    generator = Generator(replace(tiny_config(tiny_folder), dtype=dtype), SEARCH)
    tuning = tune(generator, Run(LINES), generator.workload, 2)
    assert min(tuning.losses) < tuning.losses[0]
    assert tuning.schedule.tuned is not None
    assert generator.denoiser.dtype == getattr(torch, dtype)
    assert all(sum(row) == pytest.approx(1, abs=1e-9) for row in tuning.schedule.tuned.weights)


def tuned(generator: Generator, iterations: int) -> Tuning:
    return tune(generator, Run(LINES), generator.workload, iterations)


def test_tuning_lowers_the_error_and_is_deterministic(generator: Generator) -> None:
    tuning = tuned(generator, 3)
    assert min(tuning.losses) < tuning.losses[0]
    assert tuning.schedule.calls == 3
    assert tuned(generator, 3) == tuning


def test_without_iterations_the_start_comes_back(generator: Generator) -> None:
    tuning = tuned(generator, 0)
    assert tuning.schedule.tuned == start_of(generator)


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


def test_a_range_is_tuned_for_at_its_highest_scale(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    scales = []
    real = Generator.loop

    def loop(self: Generator, chunk: int, *args: Any, **options: Any) -> torch.Tensor:
        scales.append(self.model.guidance_scale)
        return real(self, chunk, *args, **options)

    monkeypatch.setattr(Generator, "loop", loop)
    tune(generator, Run(LINES), Workload(("a", "b", "c"), 1), 0, guidance=(1.5, 4.0))
    assert set(scales) == {4.0}
