"""Planned starts take the slopes that a first look finds best."""

from __future__ import annotations

from dato import Slope
from search.starts.slopes import CANDIDATES, candidates
from tests.search.space.worlds import RUN, shipped


def test_slopes_are_tried_where_a_space_has_them() -> None:
    found = candidates(shipped("planned"), RUN)
    assert found == [
        {"forecast.slope.early": slope.early, "forecast.slope.late": slope.late}
        for slope in CANDIDATES
    ]
    assert Slope() in CANDIDATES, "the line itself"


def test_a_space_without_slopes_has_one_candidate() -> None:
    assert candidates(shipped("per_call"), RUN) == [{}]
