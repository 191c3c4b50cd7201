"""Where full calls go and which calls reuse: the rules as properties."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from search.space.full_calls import by_drift, by_interval, reused

CALLS = st.integers(1, 120)
DRIFT = st.lists(st.floats(0, 10), min_size=1, max_size=60).map(lambda own: [0.0, *own])


@given(CALLS, st.integers(1, 130))
def test_a_bias_of_one_is_the_uniform_schedule(calls: int, interval: int) -> None:
    assert by_interval(calls, interval, 1.0) == tuple(range(0, calls, interval))


@given(CALLS, st.integers(1, 130), st.floats(0.1, 10))
def test_a_bias_moves_full_calls_without_changing_their_number(
    calls: int, interval: int, bias: float
) -> None:
    places = by_interval(calls, interval, bias)
    assert places[0] == 0
    assert places[-1] < calls
    assert all(one < two for one, two in pairwise(places))
    assert len(places) == math.ceil(calls / interval)


def test_a_bias_above_one_is_early_and_below_one_is_late() -> None:
    assert by_interval(50, 10, 2.0) == (0, 2, 8, 18, 32)
    assert by_interval(50, 10, 0.5) == (0, 22, 32, 39, 45)


def test_drift_refreshes_often_where_the_model_moves() -> None:
    assert by_drift([0, 4, 4, 1, 1, 1, 1, 4, 4], 0.15, range(9)) == (0, 1, 2, 6, 7, 8)


@given(DRIFT, st.floats(0, 1))
def test_no_stretch_between_full_calls_exceeds_the_threshold(
    drift: list[float], threshold: float
) -> None:
    places = by_drift(drift, threshold, range(len(drift)))
    for start, stop in pairwise([*places, len(drift)]):
        assert sum(drift[start + 1 : stop]) <= threshold * sum(drift) * (1 + 1e-9)


def test_a_threshold_of_zero_makes_every_moving_call_full() -> None:
    assert by_drift([0, 1, 0, 2], 0.0, range(4)) == (0, 1, 3)


@given(DRIFT, st.floats(0, 1), st.sets(st.integers(1, 60)))
def test_reuse_takes_its_share_of_the_cached_calls(
    drift: list[float], share: float, some: set[int]
) -> None:
    cached = sorted(call for call in some if call < len(drift))
    chosen = reused(cached, drift, share)
    assert chosen <= set(cached)
    assert abs(len(chosen) - share * len(cached)) <= 0.5 + 1e-9


@given(DRIFT, st.floats(0, 0.5))
def test_a_larger_share_keeps_the_calls_of_a_smaller_one(drift: list[float], share: float) -> None:
    cached = range(1, len(drift))
    assert reused(cached, drift, share) <= reused(cached, drift, share + 0.5)


def test_reuse_prefers_calm_calls() -> None:
    assert reused([1, 2, 3, 4], [0, 9, 1, 8, 2], 0.5) == {2, 4}


def test_without_drift_reuse_is_spread_evenly() -> None:
    assert reused(range(1, 9), [0.0] * 9, 0.5) == {1, 3, 5, 7}
