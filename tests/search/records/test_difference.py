"""An estimate and its bound are shown such that they do not contradict each other."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from search.records.difference import difference

SHARES = st.floats(-0.99, 10)


def test_a_bound_below_its_estimate_stands_alone() -> None:
    assert difference(0.445, 0.434) == "at most +43.4%"
    assert difference(0.008, 0.016) == "+0.8% (+1.6%)"
    assert difference(-0.02, 0.012) == "-2.0% (+1.2%)"


@given(SHARES, SHARES)
def test_no_bound_is_shown_below_an_estimate(worse: float, bound: float) -> None:
    shown = [float(each) for each in re.findall(r"[+-]\d+\.\d", difference(worse, bound))]
    assert shown == sorted(shown)
    assert shown[-1] == float(f"{100 * bound:+.1f}")
