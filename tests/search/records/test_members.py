"""Names of members: made of the timed speed-up, and read back whatever audits made of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from search.records.front import FrontMember
from search.records.members import Worse, member_trial, named, renamed
from search.records.record import TrialRecord


def priced(number: int, speedup: float) -> FrontMember:
    record = TrialRecord(number, "complete", "sampler", {}, latency_s=1 / speedup, speedup=speedup)
    return FrontMember("", record)


BEFORE = named([priced(7, 3.8), priced(4, 3.3), priced(9, 5.0)])
AFTER = named(
    [
        replace(member, timed_speedup=speedup)
        for member, speedup in zip(BEFORE, (2.9, 3.31, 5.6), strict=True)
    ]
)


def test_a_name_carries_the_timed_speed_up_wherever_there_is_one() -> None:
    assert [member.name for member in BEFORE] == ["speedup-3.3x", "speedup-3.8x", "speedup-5.0x"]
    assert [member.name for member in AFTER] == ["speedup-2.9x", "speedup-3.3x", "speedup-5.6x"]


def test_members_of_equal_speed_ups_have_names_of_their_own() -> None:
    names = [member.name for member in named([priced(1, 2.0), priced(2, 2.01), priced(3, 1.96)])]
    assert names == ["speedup-2.0x", "speedup-2.0x-2", "speedup-2.0x-3"]


def test_a_name_that_an_audit_took_away_is_still_known() -> None:
    assert member_trial("speedup-3.8x", AFTER, BEFORE) == 7
    assert member_trial("speedup-5.0x", AFTER, BEFORE) == 9


def test_the_present_name_decides_where_an_earlier_one_was_another_members() -> None:
    assert member_trial("speedup-3.3x", AFTER, BEFORE) == 7
    assert member_trial("speedup-3.3x", BEFORE) == 4


@pytest.mark.parametrize("front", [BEFORE, AFTER])
def test_the_trial_names_a_member_for_ever(front: tuple[FrontMember, ...]) -> None:
    assert [member_trial(f"trial-{number}", front) for number in (4, 7, 9)] == [4, 7, 9]
    assert member_trial("trial-1", front) is None
    assert member_trial("speedup-77x", front) is None


def test_an_audit_says_which_members_it_renamed() -> None:
    assert renamed(BEFORE, BEFORE) == ()
    first, *_ = renamed(BEFORE, AFTER)
    assert first == "speedup-3.3x is now speedup-2.9x: names follow the timed speed-up."


@pytest.mark.parametrize(
    ("bound", "text", "allowed"),
    [
        (0.011, "at most 1.1% above the unpatched one", True),
        (0.043, "at most 4.3% above the unpatched one", False),
        (-0.02, "at least 2.0% below the unpatched one", True),
        (-0.0001, "at most 0.0% above the unpatched one", True),
    ],
)
def test_a_bound_reads_as_one(bound: float, text: str, allowed: bool) -> None:
    worse = Worse(bound, estimate=0.445)
    assert (str(worse), worse.allowed) == (text, allowed)
