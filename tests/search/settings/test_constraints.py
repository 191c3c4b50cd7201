"""Bounds: a tiny grammar, contradictions found before anything runs, violations as numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.settings.constraints import Bound, Constraints, parse_bounds
from search.settings.limits import ConstraintSettings

limits = st.integers(1, 10_000).map(lambda count: count / 100)


def test_the_grammar() -> None:
    assert parse_bounds(">=5") == (Bound(upper=False, limit=5.0),)
    assert parse_bounds(">=2, <=8.5") == (Bound(False, 2.0), Bound(True, 8.5))
    assert parse_bounds("<= baseline + 0.5") == (Bound(True, 0.5, relative=True),)
    assert parse_bounds("<=baseline") == (Bound(True, 0.0, relative=True),)
    assert parse_bounds("<=baseline-1") == (Bound(True, -1.0, relative=True),)


@pytest.mark.parametrize(
    "text",
    ["", "5", "=5", ">5", "==5", ">=", ">=-5", ">=5x", ">=five", ">=5,", ">=1e9", ">=nan",
     "<=baseline*2", "<=baseline+", "<=Baseline", "<=0.5+baseline", "__import__('os')"],
)  # fmt: skip
def test_anything_else_is_refused_with_the_grammar(text: str) -> None:
    with pytest.raises(ValueError, match="Write <= or >= before a number"):
        parse_bounds(text)


@given(st.lists(limits, min_size=1, max_size=3), st.lists(limits, min_size=1, max_size=3))
def test_bounds_that_no_value_keeps_are_a_contradiction(
    lows: list[float], highs: list[float]
) -> None:
    text = ",".join([*(f">={low}" for low in lows), *(f"<={high}" for high in highs)])
    if max(lows) > min(highs):
        with pytest.raises(ValueError, match="no value is both"):
            parse_bounds(text)
    else:
        bounds = parse_bounds(text)
        assert all(bound.violation(max(lows)) <= 0 for bound in bounds)


@given(limits, limits, st.booleans())
def test_a_value_is_violated_exactly_outside(value: float, limit: float, upper: bool) -> None:
    outside = value > limit if upper else value < limit
    assert (Bound(upper, limit).violation(value) > 0) == outside


def test_violations_are_shares_of_the_bound_and_the_worst_counts() -> None:
    constraints = Constraints(
        {"speedup": parse_bounds(">=2,<=4"), "fid_real": parse_bounds("<=10")}
    )
    found = constraints.violations({"speedup": 5.0, "fid_real": 9.0}.get)
    assert found == {"speedup": 0.25, "fid_real": pytest.approx(-0.1)}
    assert constraints.violations({"speedup": 1.0}.get) == {"speedup": 0.5}
    assert Constraints().violations({"speedup": 1.0}.get) == {}
    assert Constraints({"psnr": (Bound(False, 0.0),)}).violations({"psnr": -0.5}.get) == {
        "psnr": 0.5
    }


def test_relative_bounds_become_absolute() -> None:
    constraints = Constraints({"fid_real": parse_bounds("<=baseline+0.5")})
    absolute = constraints.at({"fid_real": 18.0}.get)
    assert absolute.bounds["fid_real"] == (Bound(True, 18.5),)
    assert str(constraints) == "FID to real images <=baseline+0.5"
    assert str(absolute) == "FID to real images <=18.5"
    with pytest.raises(ValueError, match="not measured"):
        constraints.at({"psnr": 18.0}.get)


def test_an_fid_below_zero_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match=r"'<=baseline-1'.*at most -1.*Raise it"):
        Constraints({"fid_reference": parse_bounds("<=baseline-1")}).at({"fid_reference": 0.0}.get)


def test_no_worse_than_the_baseline_is_the_paired_statement() -> None:
    asked = ConstraintSettings(fid="<=baseline").constraints("fid_real")
    assert asked.metrics == ("fid_real_bound",)
    absolute = asked.at({"fid_real_bound": 10.0}.get)
    assert absolute.violations({"fid_real_bound": 10.12}.get)["fid_real_bound"] <= 0
    assert absolute.violations({"fid_real_bound": 10.14}.get)["fid_real_bound"] > 0


def test_a_bound_at_a_number_is_of_the_fid_itself() -> None:
    asked = ConstraintSettings(fid="<=12").constraints("fid_real")
    assert asked.metrics == ("fid_real",)
