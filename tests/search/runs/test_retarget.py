"""A study's trials on another device: new prices, a new front, the same images."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dato import Schedule
from search.records.result import StudyResult
from search.runs.retarget import retargeted, with_other_devices
from search.settings.constraints import Constraints, parse_bounds
from tests.oracles.pareto import non_dominated
from tests.search.recorded_study import make_result
from tests.search.runs.sample_tables import TOPOLOGY, made_up_table


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return make_result(trials=80)


@given(st.floats(0.01, 0.08), st.floats(-0.005, 0.05))
def test_the_front_is_what_no_repriced_trial_beats(shallow: float, pruned: float) -> None:
    result = make_result(trials=60)
    table = made_up_table("other", shallow, pruned)
    moved = retargeted(result, table, Constraints())
    complete = [record for record in moved.records if record.state == "complete"]
    points = []
    for record in complete:
        assert record.schedule is not None and record.quality is not None
        assert record.latency_s == table.price(record.schedule, TOPOLOGY)
        points.append((record.quality.fid_real, record.latency_s))
    expected = {complete[index].number for index in non_dominated(points)}
    found = {member.record.number for member in moved.front}
    assert found == expected - {0}


def test_images_are_not_asked_again_and_clocks_are_forgotten(result: StudyResult) -> None:
    moved = retargeted(result, made_up_table("other"), Constraints())
    before = {member.record.number: member for member in result.front}
    kept = [member for member in moved.front if member.record.number in before]
    assert kept
    for member in kept:
        assert member.heldout == before[member.record.number].heldout
        assert member.timing is None and member.timed_speedup is None
    assert moved.baseline is not None and moved.baseline.timing is None
    assert moved.baseline.record.speedup == 1.0
    assert moved.device == "other, float32, batch 4 (latency predicted from its cost table)"


def test_bounds_on_the_speed_up_are_judged_on_the_new_device(result: StudyResult) -> None:
    constraints = Constraints({"speedup": parse_bounds(">=4")})
    front = retargeted(result, made_up_table("other"), constraints).front
    free = retargeted(result, made_up_table("other"), Constraints()).front
    assert 0 < len(front) < len(free)
    assert all(member.record.speedup and member.record.speedup >= 4 for member in front)


def test_a_front_is_priced_for_every_table(result: StudyResult) -> None:
    tables = (made_up_table("a", 0.1), made_up_table("b", 0.05))
    front = with_other_devices(result.front, TOPOLOGY, tables)
    for member in front:
        schedule = member.record.schedule
        assert isinstance(schedule, Schedule)
        assert list(member.elsewhere) == ["a, float32, batch 4", "b, float32, batch 4"]
        assert member.elsewhere["b, float32, batch 4"] == pytest.approx(
            50 / tables[1].price(schedule, TOPOLOGY)
        )
    assert with_other_devices(result.front, TOPOLOGY, ()) == tuple(
        replace(member, elsewhere={}) for member in result.front
    )
