"""Dynamics are differences of noise, whatever the model predicts."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dato.sampler.epsilon import Epsilon, to_epsilon
from dato.tokens.dynamics import Dynamics
from tests.dato.tiny import random, scheduler

IMAGE, NOISE = random(2, 4, 6, 5), random(2, 4, 6, 5, seed=1)


@given(st.floats(0.001, 0.999))
def test_noise_is_recovered_from_every_prediction(alpha: float) -> None:
    a = torch.tensor(alpha)
    noisy = a.sqrt() * IMAGE + (1 - a).sqrt() * NOISE
    velocity = a.sqrt() * NOISE - (1 - a).sqrt() * IMAGE
    predictions = {"epsilon": NOISE, "v_prediction": velocity, "sample": IMAGE}
    for kind, prediction in predictions.items():
        torch.testing.assert_close(
            to_epsilon(prediction, noisy, a, kind), NOISE, rtol=1e-3, atol=1e-4
        )


@pytest.mark.parametrize("zero", [False, True])
def test_coefficients_are_those_of_the_scheduler(zero: bool) -> None:
    sampler = scheduler(
        prediction_type="v_prediction", timestep_spacing="trailing", rescale_betas_zero_snr=zero
    )
    sampler.set_timesteps(4)
    epsilon = Epsilon(sampler, sampler.timesteps, torch.device("cpu"))
    noisy, velocity = random(1, 4, 8, 8), random(1, 4, 8, 8, seed=1)
    for call, timestep in enumerate(sampler.timesteps):
        alpha = sampler.alphas_cumprod[timestep]
        expected = alpha.sqrt() * velocity + (1 - alpha).sqrt() * noisy
        torch.testing.assert_close(epsilon(velocity, noisy, call), expected)


def test_extra_input_channels_are_left_out() -> None:
    noisy = torch.cat([IMAGE, torch.full((2, 5, 6, 5), torch.nan)], 1)
    assert torch.isfinite(to_epsilon(NOISE, noisy, torch.tensor(0.5), "v_prediction")).all()


def test_dynamics_are_the_mean_change_of_the_last_two_outputs() -> None:
    dynamics = Dynamics()
    assert dynamics.pooled((6, 5)) is None
    dynamics.update(IMAGE)
    assert dynamics.pooled((6, 5)) is None
    dynamics.update(NOISE)
    dynamics.update(NOISE + 2)
    flat = dynamics.pooled((6, 5))
    assert flat is not None
    torch.testing.assert_close(flat, torch.full((2, 30), 2.0))
    dynamics.clear()
    assert dynamics.pooled((6, 5)) is None


@given(st.integers(1, 6), st.integers(1, 5))
def test_pooling_keeps_the_mean_order_of_rows(height: int, width: int) -> None:
    dynamics = Dynamics()
    dynamics.update(torch.zeros(1, 1, 6, 5))
    dynamics.update(torch.arange(30.0).reshape(1, 1, 6, 5))
    pooled = dynamics.pooled((height, width))
    assert pooled is not None
    assert pooled.shape == (1, height * width)
    assert (pooled.diff() > 0).all()


def test_half_precision_outputs_are_followed_in_full_precision() -> None:
    assert (
        to_epsilon(NOISE.half(), IMAGE.half(), torch.tensor(0.5), "epsilon").dtype == torch.float32
    )


def test_other_rows_are_never_compared_with_those_before_them() -> None:
    """Guidance that ends in mid-run leaves the conditional half, of another prompt."""
    dynamics = Dynamics()
    dynamics.update(IMAGE)
    dynamics.update(NOISE)
    known = dynamics.map
    dynamics.follow_others()
    dynamics.update(IMAGE + 5)
    assert dynamics.map is known
    dynamics.update(IMAGE + 7)
    torch.testing.assert_close(dynamics.map, torch.full((2, 6, 5), 2.0))
