"""Fronts, hypervolume and knee against their definitions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.pareto import hypervolume, knee, non_dominated
from tests.oracles import pareto as oracle

COORDINATE = st.one_of(st.integers(-5, 5).map(float), st.floats(-100, 100))
POINTS = st.lists(st.tuples(COORDINATE, COORDINATE), max_size=12)
POSITIVE = st.lists(st.tuples(st.floats(0.1, 100), st.floats(-100, 100)), min_size=1, max_size=12)


@given(POINTS)
def test_the_front_is_every_unbeaten_point_once(points: list[tuple[float, float]]) -> None:
    assert set(non_dominated(points)) == oracle.non_dominated(points)


@given(POINTS)
def test_the_front_goes_from_best_first_to_best_second(points: list[tuple[float, float]]) -> None:
    front = [points[index] for index in non_dominated(points)]
    assert front == sorted(front)
    assert [second for _, second in front] == sorted((y for _, y in front), reverse=True)


def test_of_equal_points_the_first_is_kept() -> None:
    assert non_dominated([(2.0, 1.0), (1.0, 2.0), (1.0, 2.0), (2.0, 2.0)]) == (1, 0)


@given(POINTS, st.tuples(COORDINATE, COORDINATE))
def test_hypervolume_is_the_dominated_area(
    points: list[tuple[float, float]], reference: tuple[float, float]
) -> None:
    expected = oracle.hypervolume(points, reference)
    assert hypervolume(points, reference) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(POINTS, st.tuples(COORDINATE, COORDINATE))
def test_another_point_never_lowers_the_hypervolume(
    points: list[tuple[float, float]], extra: tuple[float, float]
) -> None:
    corner = (100.0, 100.0)
    assert hypervolume([*points, extra], corner) >= hypervolume(points, corner) - 1e-6


def test_hypervolume_of_a_known_front() -> None:
    assert hypervolume([(1.0, 3.0), (2.0, 1.0), (9.0, 0.0)], (4.0, 4.0)) == 3.0 + 4.0


def test_nothing_dominates_nothing() -> None:
    assert non_dominated([]) == ()
    assert hypervolume([], (1.0, 1.0)) == 0.0


@given(POSITIVE)
def test_the_knee_is_on_the_front(points: list[tuple[float, float]]) -> None:
    assert knee(points) in non_dominated(points)


@given(POSITIVE, st.floats(0.1, 10), st.floats(-10, 10))
def test_the_knee_depends_neither_on_the_device_nor_on_the_zero_of_quality(
    points: list[tuple[float, float]], scale: float, shift: float
) -> None:
    whole = [(round(x, 1), round(y)) for x, y in points]
    moved = [(x * scale, y + shift) for x, y in whole]
    if len(non_dominated(moved)) == len(non_dominated(whole)):
        assert moved[knee(moved)][0] == pytest.approx(whole[knee(whole)][0] * scale)


def test_the_knee_is_where_the_next_speed_up_starts_to_cost() -> None:
    points = [(1.0, 10.0), (0.5, 10.5), (0.25, 11.0), (0.125, 30.0), (0.3, 50.0)]
    assert knee(points) == 2


def test_a_front_without_a_bend_gives_its_fastest() -> None:
    assert knee([(4.0, 0.0), (1.0, 1.0)]) == 1
    assert knee([(4.0, 0.0)]) == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_failed_trials_have_no_place_on_a_front(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        non_dominated([(1.0, bad)])
    with pytest.raises(ValueError, match="finite"):
        hypervolume([(bad, 1.0)], (2.0, 2.0))


def test_a_knee_needs_points_with_latencies() -> None:
    with pytest.raises(ValueError, match="at least one"):
        knee([])
    with pytest.raises(ValueError, match="above 0"):
        knee([(0.0, 1.0)])
