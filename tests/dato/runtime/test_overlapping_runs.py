"""A run that overlaps another one of its pipeline makes its own image, or is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler
from torch import Tensor

import dato
from dato.errors import MismatchError
from dato.schedule import Schedule
from tests.dato.models import Family, flux, pixart, sd3, sd15
from tests.dato.tiny import WIDTH, generate, noise, random, scheduler, tiny_pipe

STEPS = 6
SCHEDULES = {
    "held": Schedule.uniform(STEPS, 3, 0),
    "linear": Schedule.uniform(STEPS, 3, 0, forecast="linear"),
    "cut": Schedule.uniform(STEPS, 3, 1),
    "pruned": Schedule.uniform(STEPS, 3, 1, {"level_0": 0.5}),
}
FAMILIES: dict[str, Callable[[], Family]] = {
    "sd15": sd15,
    "pixart": pixart,
    "sd3": sd3,
    "flux": flux,
}
HELD = SCHEDULES["held"]


def given_up(family: Family, step: int, after: int, **options: Any) -> Any:
    """A callback that begins another run at a step, which stops after ``after`` of its own."""
    other = family.inputs(1, (16, 16), 9) | {"guidance_scale": 1.5}

    def stop(_: Any, number: int, __: Any, held: dict[str, Any]) -> dict[str, Any]:
        if number + 1 >= after:
            raise InterruptedError
        return held

    def callback(_: Any, number: int, __: Any, held: dict[str, Any]) -> dict[str, Any]:
        if number == step:
            scale, kept = family.pipe._guidance_scale, vars(family.pipe.scheduler).copy()
            with suppress(InterruptedError):
                family.generate(STEPS, callback_on_step_end=stop, **other | options)
            family.pipe._guidance_scale = scale
            for name in ("_step_index", "model_outputs", "lower_order_nums"):
                if name in kept:
                    setattr(family.pipe.scheduler, name, kept[name])
        return held

    return callback


def own_image_or_refused(family: Family, expected: Tensor, **options: Any) -> bool:
    """Whether the image came."""
    try:
        image = family.generate(STEPS, **options)
    except MismatchError:
        return False
    torch.testing.assert_close(image, expected, rtol=1e-4, atol=1e-4)
    return True


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("plan", SCHEDULES)
@pytest.mark.parametrize("name", FAMILIES)
def test_a_run_given_up_in_a_callback_leaves_its_values_to_nobody(
    name: str, plan: str, fuse: bool
) -> None:
    family = FAMILIES[name]()
    with dato.applied(family.pipe, SCHEDULES[plan], fuse=fuse):
        expected = family.generate(STEPS)
        for step in (0, 1, 3):
            for after in (1, 2, 4):
                callback = given_up(family, step, after)
                own_image_or_refused(family, expected, callback_on_step_end=callback)
        torch.testing.assert_close(family.generate(STEPS), expected, rtol=1e-4, atol=1e-4)


def test_a_fused_run_is_right_beside_runs_of_its_callback() -> None:
    family = sd15()
    with dato.applied(family.pipe, HELD):
        expected = family.generate(STEPS)
        for eta in (0.0, 0.5):  # a run with eta is not fused
            callback = given_up(family, 0, 1, eta=eta)
            assert own_image_or_refused(family, expected, callback_on_step_end=callback)


@pytest.mark.parametrize("kind", [DDIMScheduler, EulerDiscreteScheduler])
def test_a_run_that_is_not_fused_is_right_or_refused_beside_fused_ones(kind: Any) -> None:
    family = Family(tiny_pipe(sampler=scheduler(kind, steps_offset=1)), sd15().inputs)
    with dato.applied(family.pipe, HELD):
        expected = family.generate(STEPS, eta=0.5)
        for step, after in ((0, 1), (1, 1), (2, 2), (3, 1)):
            callback = given_up(family, step, after, eta=0.0)
            options: dict[str, Any] = {"eta": 0.5, "callback_on_step_end": callback}
            own_image_or_refused(family, expected, **options)


@pytest.mark.parametrize("resample", [None, "nearest"])
def test_the_rest_of_a_run_is_never_taken_for_a_whole_one(resample: Any) -> None:
    family = sd15()
    callback = given_up(family, 1, 1)
    with (
        dato.applied(family.pipe, SCHEDULES["pruned"], resample=resample),
        pytest.raises(MismatchError, match="Another run began before this one's call 3"),
    ):
        family.generate(STEPS, callback_on_step_end=callback)


@pytest.mark.parametrize("sampler", [DDIMScheduler, DPMSolverMultistepScheduler])
def test_loops_by_hand_that_overlap_are_refused(sampler: Any) -> None:
    pipe = tiny_pipe(sampler=scheduler(sampler, steps_offset=1))

    def call(timestep: Any) -> None:
        pipe.unet(noise(1), timestep, random(1, 5, WIDTH))

    for turn in (lambda each: each, lambda each: each.clone(), float):
        with dato.applied(pipe, HELD):
            pipe.scheduler.set_timesteps(STEPS)
            first = pipe.scheduler.timesteps
            call(turn(first[0]))
            pipe.scheduler.set_timesteps(STEPS)
            call(turn(pipe.scheduler.timesteps[0]))
            call(turn(pipe.scheduler.timesteps[1]))
            with pytest.raises(MismatchError, match=r"Another run began|not for timestep"):
                call(turn(first[1]))


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("plan", SCHEDULES)
def test_threads_get_their_own_image_or_an_error(plan: str, fuse: bool) -> None:
    pipe = tiny_pipe()
    results: list[tuple[int, Tensor | Exception]] = []

    def run(seed: int) -> None:
        for _ in range(3):
            try:
                results.append((seed, generate(pipe, STEPS, seed=seed)))
            except (MismatchError, RuntimeError, IndexError) as error:
                results.append((seed, error))

    with dato.applied(pipe, SCHEDULES[plan], fuse=fuse):
        expected = {seed: generate(pipe, STEPS, seed=seed) for seed in (1, 2, 3)}
        threads = [threading.Thread(target=run, args=(seed,)) for seed in expected]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 9
        for seed, result in results:
            if isinstance(result, Tensor):
                torch.testing.assert_close(result, expected[seed], rtol=1e-4, atol=1e-4)
        # Whatever the threads have left, the next run is right.
        torch.testing.assert_close(generate(pipe, STEPS), expected[1], rtol=1e-4, atol=1e-4)
