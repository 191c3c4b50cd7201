"""Placements of least damage: against every placement."""

from __future__ import annotations

import pytest

from search.calibration import placement
from search.calibration.damage import damage
from search.calibration.placement import FEWEST, GapForecast, best_of, placements, segment_damages
from search.calibration.planned import Planned
from tests.oracles.placements import best_placement
from tests.search.calibration.made_up import calibration, wandering

CALLS = 8


@pytest.mark.parametrize("alphas", [True, False])
@pytest.mark.parametrize("forecast", ["hold", "linear"])
@pytest.mark.parametrize("seed", range(3))
def test_they_are_the_best_of_all(seed: int, forecast: GapForecast, alphas: bool) -> None:
    known = calibration(wandering(CALLS, seed), alphas=alphas)
    found = placements(known, forecast)
    assert [len(own.full) for own in found] == list(range(FEWEST, CALLS + 1))
    for own in found:
        best = best_placement(known, len(own.full), forecast)
        assert own.damage == pytest.approx(best.damage, abs=1e-12)
        assert own.full == best.full


def test_the_damage_is_that_of_the_schedule() -> None:
    known = calibration(wandering(30, 5))
    for own in placements(known):
        schedule = own.schedule(30)
        assert damage(known, schedule) == pytest.approx(own.damage, abs=1e-12)
        assert [call for call in range(30) if schedule.kind(call).depth == "full"] == [*own.full]


def test_short_and_long_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [own.full for own in placements(calibration(wandering(1, 1)))] == [(0,)]
    assert [own.full for own in placements(calibration(wandering(2, 1)))] == [(0, 1)]
    monkeypatch.setattr(placement, "LONGEST", 5)
    assert placements(calibration(wandering(6, 1))) == ()


@pytest.mark.parametrize("cached", [range(2, 6), range(3), range(4, 8), range(3, 4), range(0)])
@pytest.mark.parametrize("seed", range(2))
def test_calls_outside_a_range_are_full_in_the_best_placements(seed: int, cached: range) -> None:
    known = calibration(wandering(CALLS, seed))
    fixed = {call for call in range(CALLS) if call == 0 or call not in cached}
    found = best_of(segment_damages(known, "linear"), cached)
    assert [len(own.full) for own in found] == list(range(max(FEWEST, len(fixed)), CALLS + 1))
    for own in found:
        best = best_placement(known, len(own.full), "linear", fixed)
        assert own.full == best.full
        assert own.damage == pytest.approx(best.damage, abs=1e-12)


def test_a_space_takes_the_plans_and_places_what_is_not_planned_evenly() -> None:
    known = calibration(wandering(CALLS, 1))
    planned = Planned.of(known)
    for own in placements(known):
        assert planned(CALLS, len(own.full), range(CALLS)) == own.full
    assert planned(CALLS, 1, range(CALLS)) == (0,)
    assert planned(CALLS, 2, range(CALLS)) == (0, 4)
    assert hash(planned) == hash(Planned.of(known))


def test_held_outputs_have_plans_of_their_own() -> None:
    known = calibration(wandering(CALLS, 1))
    planned = Planned.of(known)
    held = placements(known, "hold")
    assert [plan.full for plan in held] != [plan.full for plan in placements(known)]
    for plan in held:
        assert planned(CALLS, len(plan.full), range(CALLS), holds=True) == plan.full
    assert {0, 1, 2, 6, 7} <= set(planned(CALLS, 6, range(3, 6), holds=True))


def test_a_range_has_plans_of_its_own_and_at_least_the_calls_outside() -> None:
    planned = Planned.of(calibration(wandering(CALLS, 1)))
    for count in range(1, CALLS + 1):
        full = planned(CALLS, count, range(3, 6))
        assert {0, 1, 2, 6, 7} <= set(full)
        assert len(full) == max(count, 5)
    assert planned(CALLS, 1, range(1, 7)) == (0, 7)
