"""The bars of the report tell forecasts from reuse."""

from __future__ import annotations

import pytest

from dato import Kind, Schedule, Slope
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


def test_a_call_says_how_far_along_its_line_it_goes() -> None:
    titles = [bar.title for bar in bars(Schedule.uniform(5, 2, 0, forecast="linear"))]
    sloped = Schedule.uniform(5, 2, 0, forecast="linear").sloped(Slope(0.5, 1.5))
    assert [bar.title for bar in bars(sloped)] == [
        titles[0], f"{titles[1]}, slope 0.75", titles[2], f"{titles[3]}, slope 1.25", titles[4],
    ]  # fmt: skip
