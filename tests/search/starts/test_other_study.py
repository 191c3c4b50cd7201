"""Another study's front passes by parameter, or call by call; the rest is refused with a reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dato import Kind, Schedule, Slope
from search.calibration.planned import Planned
from search.records.record import TrialRecord
from search.space import Space, SpaceContext, load_space
from search.space.lines import without_idle_lines
from search.starts.other_study import call_by_call, passed_on
from search.starts.writing import NotInSpaceError, usual
from tests.search.calibration.made_up import calibration, wandering
from tests.search.space.worlds import RUN, SHIPPED, assignments, declared, run_of, shipped

PUBLISHED = (
    "full 0 1 1 1 1 1 full 1 1 1 1 1 1 1 0 0 full 1 1 1 0 full 1 0 1 1 1 1 1 full 0 0 1 1 1 1 1 1 "
    "1 1 full 1 1 1 1 1 1 1 1 1"
)
"""Depths of the paper's cache strategy for 50 PLMS steps, which are 51 calls."""


def recorded(space: Space, params: dict[str, Any], context: SpaceContext) -> TrialRecord:
    return TrialRecord(
        number=3,
        state="complete",
        origin="sampler",
        params=params,
        schedule=space.decode(params, context),
        base=space.base(params),
    )


def kinds(schedule: Schedule) -> list[Kind]:
    each = [schedule.kind(call) for call in range(schedule.calls)]
    return without_idle_lines(each, each_call=True)


@pytest.mark.parametrize("name", SHIPPED)
@given(data=st.data(), calls=st.sampled_from([2, 4, 20, 50]))
def test_a_front_passes_to_a_study_of_the_same_space(
    name: str, data: st.DataObject, calls: int
) -> None:
    space, context = shipped(name), run_of(calls)
    params = data.draw(assignments(space, context))
    found = passed_on(recorded(space, params, context), space, space, context)
    assert space.run(found, context) == space.run(params, context)


def test_a_number_of_full_calls_means_what_the_new_calibration_plans() -> None:
    space = shipped("planned")
    here, there = (
        replace(run_of(20), placed=Planned.of(calibration(wandering(20, seed)))) for seed in (1, 2)
    )
    params = {p.name: p.domain.values[0] for p in space.parameters(there)}
    found = passed_on(recorded(space, params, there), space, space, here)
    assert found["refresh.full_calls"] == params["refresh.full_calls"]
    assert space.decode(found, here) != space.decode(params, there)


@pytest.mark.parametrize("name", ["dynamics", "interval", "joint", "planned"])
@given(data=st.data())
def test_any_front_passes_call_by_call_if_the_space_has_what_it_does(
    name: str, data: st.DataObject
) -> None:
    space, ours = shipped(name), shipped("per_call")
    drawn = data.draw(assignments(space, RUN))
    alike = ("forecast.slope.", "tokens.")  # which per_call does not search
    params = {
        p.name: usual(p) if p.name.startswith(alike) else drawn[p.name]
        for p in space.parameters(RUN)
    }
    record = recorded(space, params, RUN)
    assert record.schedule is not None
    again = ours.decode(passed_on(record, space, ours, RUN), RUN)
    assert kinds(again) == kinds(record.schedule)


def test_the_papers_strategy_is_in_the_per_call_space() -> None:
    codebook = {
        "full": Kind("full", {"level_0": 0.7}),
        "1": Kind(1, {"level_0": 0.3}),
        "0": Kind(0),
    }
    schedule = Schedule(codebook, tuple(PUBLISHED.split()))
    bound = shipped("per_call").bind(run_of(51))
    again = shipped("per_call").decode(call_by_call(bound, schedule), bound.context)
    assert kinds(again) == kinds(schedule)


def test_slopes_pass_where_the_space_has_them() -> None:
    sloped = Schedule.uniform(50, 10, 0, forecast="linear").sloped(Slope(0.4, 1.0))
    step = {"kind": "float", "low": 0.0, "high": 2.0, "step": 0.2}
    calls = {"depth": {"kind": "choice", "values": [0, "full"], "per": "call"}}
    config = {"name": "mine", "refresh": {"rule": "per_call"}, "calls": calls}
    lines = {"output": {"kind": "choice", "values": ["hold", "linear"]}}
    ours = load_space({**config, "forecast": {**lines, "slope": {"early": step, "late": step}}})
    assert ours.decode(call_by_call(ours.bind(RUN), sloped), RUN).slope == Slope(0.4, 1.0)
    with pytest.raises(NotInSpaceError, match="the constants of the space 'mine' are others"):
        call_by_call(load_space({**config, "forecast": lines}).bind(RUN), sloped)


@pytest.mark.parametrize(
    ("ours", "calls", "said"),
    [
        (shipped("interval"), 50, "the rule of the space 'interval' places its full calls itself"),
        (shipped("per_call"), 20, "they make 50 calls"),
        (load_space(declared(refresh={"rule": "planned", "full_calls": 7})), 50, "constants"),
    ],
)
def test_what_cannot_pass_is_refused_with_the_reason(ours: Space, calls: int, said: str) -> None:
    theirs = shipped("planned")
    params = {p.name: p.domain.values[0] for p in theirs.parameters(RUN)}
    with pytest.raises(NotInSpaceError, match=said):
        passed_on(recorded(theirs, params, RUN), theirs, ours, run_of(calls))
