"""At how many steps the unpatched model is measured."""

from __future__ import annotations

import pytest

from search.study.step_counts import step_counts


def test_counts_are_spread_over_the_speedups_of_the_front() -> None:
    assert step_counts(50, [2.1, 3.0, 12.0], 3) == (4, 7, 12)
    assert step_counts(50, [4.0, 5.0, 10.0], 2) == (5, 12)


def test_slow_members_get_no_rival_of_their_own() -> None:
    assert step_counts(50, [1.05, 12.0], 3) == step_counts(50, [4.0, 12.0], 3)
    assert step_counts(50, [1.05, 3.0], 2) == (15, 30)


def test_short_runs_have_rivals_beside_their_slow_members() -> None:
    assert step_counts(20, [2.0, 7.6], 3) == (3, 5, 10)
    assert step_counts(28, [2.3, 7.0], 3) == (4, 7, 12)


def test_every_rival_has_fewer_steps_than_the_unpatched_model() -> None:
    for steps in range(2, 60):
        assert all(1 <= each < steps for each in step_counts(steps, [1.01, 40.0], 4))


@pytest.mark.parametrize("steps", [1, 50])
def test_without_a_front_or_a_step_to_leave_out_there_are_none(steps: int) -> None:
    assert step_counts(steps, [] if steps == 50 else [3.0], 3) == ()


def test_a_single_speedup_gives_a_single_count() -> None:
    assert step_counts(50, [5.0], 1) == (10,)
