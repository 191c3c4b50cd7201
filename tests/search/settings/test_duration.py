"""Durations are read as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.settings.duration import duration_text, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2h", 7200), ("90m", 5400), ("45s", 45), ("1h30m", 5400), ("1.5h", 5400), ("1m 30s", 90)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", " ", "2", "2d", "-2h", "h", "30m1h", "0s", "0h0m", "1e3s"])
def test_what_is_no_duration_is_refused_with_the_way_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@given(st.integers(1, 10**6))
def test_whole_seconds_survive_a_round_trip(seconds: int) -> None:
    assert parse_duration(duration_text(seconds)) == seconds


def test_no_time_has_a_text() -> None:
    assert duration_text(0.2) == "0s"
