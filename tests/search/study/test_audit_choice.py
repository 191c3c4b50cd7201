"""A small audit bisects the front for the fastest member at no worse FID to real images."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.metrics import FID_REAL_BOUND
from search.records.front import FrontMember
from search.records.quality import Quality
from search.records.record import TunedFrom
from search.study.audit_choice import AuditChoice, FastestNoWorse, OfTrials
from search.study.front_choice import front_of, spread
from tests.search.study.test_front_choice import complete


def quality(real: float, bound: float) -> Quality:
    return Quality(real, 1.0, 0.1, 16, {FID_REAL_BOUND: bound})


BASELINE = FrontMember("unpatched", complete(0, 1, 0.0), heldout=quality(100.0, 100.0))


def front(size: int) -> tuple[FrontMember, ...]:
    records = [complete(number, number + 2, float(number + 1)) for number in range(size)]
    return front_of(records, "fid_reference")


def audited(
    choice: AuditChoice, size: int, good: Collection[int], baseline: FrontMember = BASELINE
) -> list[int]:
    """The places in the order of their audits, where those in ``good`` are no worse."""
    members, order = list(front(size)), list[int]()
    while (place := choice.next_of(members, baseline)) is not None:
        bound = 101.0 if place in good else 103.0
        members[place] = replace(members[place], heldout=quality(100.5, bound))
        order.append(place)
    return order


def test_named_members_are_audited_and_no_others() -> None:
    choice = OfTrials([front(5)[place].record.number for place in (3, 1)])
    assert choice.most(front(5)) == 2
    assert audited(choice, 5, ()) == [1, 3]


@pytest.mark.parametrize("good", range(16))
def test_four_audits_find_the_fastest_of_fifteen(good: int) -> None:
    order = audited(FastestNoWorse(4), 15, range(good))
    assert len(set(order)) == 4
    assert good == 0 or good - 1 in order
    assert good == 15 or good in order


def test_what_is_left_is_spread_over_the_front_from_its_fast_end_on() -> None:
    order = audited(FastestNoWorse(7), 15, range(6))
    assert order[:4] == [7, 3, 5, 6]
    assert order[4] == 14
    assert set(order[4:]) <= set(spread(front(15), 7))


def test_members_that_a_rival_dominates_are_not_looked_for() -> None:
    order = audited(FastestNoWorse(3, dominated=(7, 8, 9)), 10, range(10))
    assert order == [3, 5, 6]


def test_tuned_members_are_looked_at_before_others() -> None:
    members = list(front(9))
    for place in (1, 6):
        tuned = replace(members[place].record, tuned_from=TunedFrom(0, 2, 12))
        members[place] = replace(members[place], record=tuned)
    choice = FastestNoWorse(4)
    assert choice.next_of(members, BASELINE) == 6
    members[6] = replace(members[6], heldout=quality(100.5, 103.0))
    assert choice.next_of(members, BASELINE) == 1
    members[1] = replace(members[1], heldout=quality(100.5, 101.0))
    assert choice.next_of(members, BASELINE) == 4


def test_without_real_images_members_are_spread() -> None:
    blind = replace(BASELINE, heldout=quality(math.nan, math.nan))
    assert sorted(audited(FastestNoWorse(4), 10, (), blind)) == [*spread(front(10), 4)]


@given(
    st.integers(0, 20), st.integers(1, 25), st.sets(st.integers(0, 20)), st.sets(st.integers(0, 20))
)
def test_as_many_members_are_audited_as_asked_for(
    size: int, count: int, good: set[int], dominated: set[int]
) -> None:
    choice = FastestNoWorse(count, dominated)
    order = audited(choice, size, good)
    assert len(order) == len(set(order)) == choice.most(front(size)) == min(count, size)
