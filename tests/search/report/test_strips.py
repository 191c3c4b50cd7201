"""The bars of the report tell forecasts from reuse."""

from __future__ import annotations

import pytest

from dato import Kind, Schedule
from dato.schedule import Forecast
from search.report.strips import bars


@pytest.mark.parametrize(
    ("forecast", "css", "title"),
    [("hold", "reuse", "call 2: reused"), ("linear", "forecast", "call 2: forecast linearly")],
)
def test_a_call_that_recomputes_nothing_says_what_it_does(
    forecast: Forecast, css: str, title: str
) -> None:
    bar = bars(Schedule.uniform(4, 2, 0, forecast=forecast))[1]
    assert (bar.height, bar.css, bar.title) == (0, css, title)


def test_a_call_of_some_depth_keeps_its_height_and_shade() -> None:
    kinds = {"full": Kind(), "shallow": Kind(3, {"level_0": 0.5}, "linear")}
    bar = bars(Schedule(kinds, ("full", "shallow")))[1]
    assert bar.css == "p3"
    assert bar.height > 0
    assert bar.title == "call 2: at depth 3 (forecast linearly), pruned level_0 0.5"
