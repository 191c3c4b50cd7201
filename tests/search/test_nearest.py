"""A misspelt name is answered with the valid one that was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.nearest import did_you_mean, nearest
from search.settings.groups import groups, options

names = st.text("abc123", min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("typed", "meant"), [("sd16", "sd15"), ("sdx", "sdxl"), ("sd22", "sd21"), ("poket", "pocket")]
)
def test_of_two_that_are_as_like_the_one_that_begins_the_same_was_meant(
    typed: str, meant: str
) -> None:
    assert did_you_mean(typed, options("model")) == f"Did you mean {meant!r}? "


@pytest.mark.parametrize("group", groups())
def test_a_letter_left_out_still_names_the_option(group: str) -> None:
    for option in options(group):
        if len(option) > 4:
            assert option in nearest(option[:-1], options(group), count=2)


@given(st.lists(names, min_size=1, unique=True))
def test_a_valid_name_is_nearest_to_itself(known: list[str]) -> None:
    assert nearest(known[0], known) == [known[0]]


def test_nothing_is_advised_that_is_not_alike() -> None:
    assert did_you_mean("zzz", ["sd15", "pocket"]) == ""
    assert nearest("zzz", ["sd15", "pocket"], count=3, least=0.0) != []
