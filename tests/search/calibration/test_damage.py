"""Predicted damage: against the errors themselves, written out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from dato import Kind, Schedule
from dato.runtime.forecast import linear_weights
from dato.schedule import Depth
from search.calibration.damage import damage
from search.calibration.table import Calibration
from tests.search.calibration.made_up import calibration, ramp, wandering

CALLS = 8


def linear(depths: Sequence[Depth]) -> Schedule:
    """Every call that is not full forecasts linearly."""
    kinds = {
        str(depth): Kind(depth, forecast="hold" if depth == "full" else "linear")
        for depth in depths
    }
    return Schedule(kinds, tuple(str(depth) for depth in depths))


def test_a_full_schedule_does_none() -> None:
    assert damage(calibration(wandering(CALLS, 1)), Schedule.full(CALLS)) == 0


def test_the_calibration_is_of_the_schedule_s_calls() -> None:
    with pytest.raises(ValueError, match="has 9 calls and the calibration 8"):
        damage(calibration(wandering(CALLS, 1)), Schedule.full(9))


def test_errors_add_up_within_a_segment_and_squares_over_segments() -> None:
    values = wandering(CALLS, 1)
    known = calibration(values)
    path = known.path
    assert path is not None
    schedule = linear(["full", 0, 0, "full", 0, "full", 0, 0])
    times = known.timesteps.tolist()
    total = 0.0
    for segment, sources, end in (([1, 2], [0], 3), ([4], [3, 0], 5), ([6, 7], [5, 3], 8)):
        error = np.zeros(values.shape[1])
        for call in segment:
            weights = linear_weights(times, call, sources)
            forecast = sum(w * values[own] for w, own in zip(weights, sources, strict=False))
            error += path.moves[call] * (values[call] - forecast)
        total += path.gains[end] ** 2 * float(error @ error)
    expected = total / (values**2).sum(1).mean()
    assert damage(known, schedule) == pytest.approx(expected)


def test_a_shallow_call_passes_on_what_its_cut_misses() -> None:
    values, cut = wandering(4, 1), wandering(4, 2)
    known = calibration(values, {1: cut})
    path = known.path
    assert path is not None
    missed = 0.1**2 * float(((cut[2] - cut[0]) ** 2).sum())
    hold = Schedule({"full": Kind(), "held": Kind(0), "1": Kind(1)}, ("full", "held", "1", "held"))
    first = path.gains[2] * path.moves[1] * (values[1] - values[0])
    second = path.gains[4] * path.moves[3] * (values[3] - values[2])
    third = path.gains[4] ** 2 * (path.moves[2] + path.moves[3]) ** 2 * missed
    expected = (first @ first + second @ second + third) / (values**2).sum(1).mean()
    assert damage(known, hold) == pytest.approx(expected)
    deeper = Schedule({"full": Kind(), "held": Kind(0), "1": Kind(3)}, hold.steps)
    assert damage(known, deeper) == pytest.approx(expected)


def test_without_a_known_path_the_squares_of_all_calls_are_added() -> None:
    values = wandering(4, 1)
    known = calibration(values, alphas=False)
    hold = Schedule({"full": Kind(), "held": Kind(0)}, ("full", "held", "held", "full"))
    missed = ((values[1] - values[0]) ** 2).sum() + ((values[2] - values[0]) ** 2).sum()
    assert damage(known, hold) == pytest.approx(missed / (values**2).sum(1).mean())


@pytest.mark.parametrize("alphas", [True, False])
def test_on_a_ramp_straight_lines_do_none(alphas: bool) -> None:
    flat = calibration(wandering(CALLS, 1))
    known = calibration(ramp(flat.timesteps), {2: ramp(flat.timesteps, 3)}, alphas=alphas)
    schedule = linear(["full", "full", 0, 2, 0, "full", 2, 0])
    assert damage(known, schedule) == pytest.approx(0, abs=1e-9)
    held = Schedule.uniform(CALLS, 4, 0)
    assert damage(known, held) > 1e-3


def test_more_full_calls_do_less() -> None:
    known: Calibration = calibration(wandering(24, 4))
    found = [
        damage(known, Schedule.uniform(24, every, 0, forecast="linear")) for every in (2, 4, 8)
    ]
    assert found == sorted(found)
