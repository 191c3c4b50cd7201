"""Whatever steps are taken, a sampler's timesteps fall and its weights stay small."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dato import TunedSampler
from search.tuning.numbers import MOST_ADDED, moved, numbers_of

SAMPLER = TunedSampler(
    (999.0, 800.0, 500.0, 100.0),
    ((1.0,), (1.5, -0.5), (1.4, -0.4), (1.2, -0.3, 0.1)),
)
NUMBERS = numbers_of(SAMPLER.calls)
STEPS = st.lists(st.floats(-1e9, 1e9), min_size=len(NUMBERS), max_size=len(NUMBERS))


@given(STEPS)
def test_any_step_gives_a_sampler(steps: list[float]) -> None:
    other = moved(SAMPLER, NUMBERS, steps)
    assert other.timesteps[0] == SAMPLER.timesteps[0]
    assert all(before > after for before, after in pairwise((*other.timesteps, 0.0)))
    for before, after in zip(SAMPLER.weights, other.weights, strict=True):
        assert abs(sum(after) - 1) < 1e-9
        known = (*before, *[0.0] * (len(after) - len(before)))
        assert all(abs(a - b) <= 3 * MOST_ADDED for a, b in zip(known, after, strict=True))


def test_no_step_changes_nothing() -> None:
    other = moved(SAMPLER, NUMBERS, [0.0] * len(NUMBERS))
    assert other.timesteps == SAMPLER.timesteps
