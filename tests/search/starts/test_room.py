"""At least a third of a budget is searched, and the starts that fit are of every sort."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from search.settings import BudgetSettings, WarmstartSettings
from search.starts.room import Room, parted, plans_within, spread, with_twins

counts = st.integers(0, 40)


@given(st.integers(1, 500), counts, counts, counts, st.booleans())
def test_starts_are_at_most_two_thirds_of_the_trials(
    trials: int, front: int, optimal: int, count: int, plans: bool
) -> None:
    warmstart = WarmstartSettings(count=count, optimal=optimal)
    room = Room.of(BudgetSettings(trials=trials), warmstart, front, plans)
    starts = 1 + room.front + room.planned + room.uniform
    assert starts <= max(2 * trials // 3, 1)
    assert room.front <= front
    assert room.planned <= with_twins(optimal) * plans
    assert room.uniform <= count


@given(st.integers(60, 500), st.booleans())
def test_a_large_budget_has_room_for_all(trials: int, plans: bool) -> None:
    room = Room.of(BudgetSettings(trials=trials), WarmstartSettings(count=8, optimal=8), 0, plans)
    assert room == Room(0, 12 * plans, 8)


def test_a_small_budget_takes_some_of_each() -> None:
    """Eight trials were all starts, once."""
    room = Room.of(BudgetSettings(trials=8), WarmstartSettings(count=8, optimal=8), 0, True)
    assert room == Room(0, 3, 1)


def test_without_a_limit_of_trials_the_usual_number_counts() -> None:
    budget = BudgetSettings(time="1h", default_trials=12)
    assert Room.of(budget, WarmstartSettings(count=20), 0, False) == Room(0, 0, 7)


@given(st.integers(0, 60))
def test_plans_with_their_twins_fit(starts: int) -> None:
    plans = plans_within(starts)
    assert with_twins(plans) <= starts < with_twins(plans + 1)


@given(counts, st.integers(1, 6))
def test_parts_add_up(total: int, parts: int) -> None:
    found = parted(total, parts)
    assert sum(found) == total
    assert max(found) - min(found) <= 1


@given(st.lists(st.integers(), unique=True), st.integers(2, 20))
def test_some_of_a_front_are_spread_over_it(front: list[int], count: int) -> None:
    chosen = spread(front, count)
    assert len(chosen) == min(count, len(front))
    if front:
        assert chosen[0] == front[0]
        assert chosen[-1] == front[-1]
