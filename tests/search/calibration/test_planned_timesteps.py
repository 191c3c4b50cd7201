"""Timesteps of few full calls, as a calibration plans them."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import get_args

import diffusers
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from search.calibration.placement import LONGEST, GapForecast, placements
from search.calibration.planned_timesteps import (
    FIRST_ORDER,
    forecast_in_steps,
    planned_timesteps,
)
from tests.search.calibration.made_up import calibration, wandering


@given(seed=st.integers(0, 5), forecast=st.sampled_from(get_args(GapForecast)))
def test_they_are_those_of_the_planned_full_calls(seed: int, forecast: GapForecast) -> None:
    known = calibration(wandering(12, seed))
    plans = {len(plan.full): plan.full for plan in placements(known, forecast)}
    found = planned_timesteps(known, (2, 3, 7, 13), forecast)
    assert set(found) == {3, 7}  # two points make one line; thirteen calls there are not
    for count, timesteps in found.items():
        assert timesteps == tuple(round(float(known.timesteps[call])) for call in plans[count])
        assert timesteps[0] == known.timesteps[0]


def test_calls_at_one_timestep_are_one_step() -> None:
    twice = calibration(wandering(13, 0))
    steps = np.repeat(np.linspace(990.0, 30.0, 7), 2)[:13]
    found = planned_timesteps(replace(twice, timesteps=steps), range(1, 14))
    assert set(found) <= set(range(1, 8))
    assert all(len(set(timesteps)) == count for count, timesteps in found.items())
    assert found[7] == tuple(steps[::2].round())


def test_shares_of_noise_are_no_whole_numbers() -> None:
    known = calibration(wandering(6, 0), alphas=False)
    shares = np.linspace(1.0, 0.1234, 6)
    flow = replace(known, sigmas=shares, timesteps=1000 * shares)
    assert planned_timesteps(flow, (6,))[6][-1] == 123.4


def test_nothing_is_planned_where_no_line_can_be_drawn() -> None:
    known = calibration(wandering(6, 0), alphas=False)
    assert planned_timesteps(replace(known, timesteps=np.zeros(6)), range(2, 7)) == {}
    longest = calibration(np.ones((LONGEST + 1, 1)))
    assert planned_timesteps(longest, (8,)) == {}


@pytest.mark.parametrize("scheduler", sorted(FIRST_ORDER))
def test_samplers_of_first_order_hold_between_their_steps(scheduler: str) -> None:
    """Two runs that differ in the first output alone are equal from the second step on, once they
    have the same latents there."""
    steps = getattr(diffusers, scheduler)()
    steps.set_timesteps(6)
    followed = []
    for first in (0.5, -3.0):
        run = copy.deepcopy(steps)
        run.step(torch.full((1, 1, 2, 2), first), run.timesteps[0], torch.ones(1, 1, 2, 2))
        followed.append(
            run.step(torch.ones(1, 1, 2, 2), run.timesteps[1], torch.ones(1, 1, 2, 2)).prev_sample
        )
    assert torch.equal(*followed)
    assert forecast_in_steps(scheduler) == "hold"


def test_samplers_of_higher_order_extend_lines() -> None:
    for scheduler in ("DPMSolverMultistepScheduler", "UniPCMultistepScheduler"):
        assert forecast_in_steps(scheduler) == "linear"
