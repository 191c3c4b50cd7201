"""The margin follows the noise of judging by the distance, and rungs leave the front as it is."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search.pareto import hypervolume, non_dominated
from search.record import Quality, TrialRecord
from search.serial import trials_from_json
from search.study.evaluator import dominating
from search.study.margin import ENOUGH, learned_margin
from search.study.records import objectives

RECORDED = Path(__file__).parents[3] / "experiments" / "study" / "trials.json"
FID = "fid_reference"


def trial(distance: float, fid: float) -> TrialRecord:
    return TrialRecord(
        number=0,
        state="complete",
        origin="sampler",
        params={},
        latency_s=1.0,
        distance=distance,
        quality=Quality(fid, fid, distance, 8),
    )


def trials(noise: float, count: int, slope: float = 1.0) -> list[TrialRecord]:
    """Trials whose log FID follows log distance up to normal noise."""
    draw = np.random.default_rng(0)
    logs = draw.uniform(-5, 0, count)
    errors = noise * draw.standard_normal(count)
    return [trial(math.exp(x), math.exp(slope * x + e)) for x, e in zip(logs, errors, strict=True)]


def test_the_configured_margin_holds_until_enough_trials_are_complete() -> None:
    few = trials(0.1, ENOUGH - 1)
    failed = [replace(own, state="pruned") for own in trials(0.1, 40)]
    assert learned_margin([*few, *failed], FID, 1.5) == 1.5
    assert learned_margin(trials(0.1, ENOUGH), FID, 1.5) != 1.5


@pytest.mark.parametrize(("noise", "slope"), [(0.02, 1.0), (0.2, 1.0), (0.2, 2.0)])
def test_it_spans_the_noise_of_the_difference_of_two_trials(noise: float, slope: float) -> None:
    margin = learned_margin(trials(noise, 2000, slope), FID, 9.0)
    assert math.log(margin) == pytest.approx(math.sqrt(2) * noise / slope, rel=0.15)


def test_a_distance_that_says_nothing_prunes_nothing() -> None:
    assert learned_margin(trials(0.1, 50, slope=-1.0), FID, 1.2) == math.inf


def test_answers_from_the_record_do_not_make_the_noise_look_small() -> None:
    own = trials(0.2, 100)
    assert learned_margin(own + own, FID, 9.0) == learned_margin(own, FID, 9.0)


def test_the_unpatched_trial_has_no_logarithm_and_is_left_out() -> None:
    own = trials(0.2, 100)
    assert learned_margin([trial(0.0, 0.0), *own], FID, 9.0) == learned_margin(own, FID, 9.0)


def test_rungs_agree_with_the_recorded_study_on_its_front() -> None:
    """Every trial of the recorded study that was evaluated in full, with rungs and without."""
    records = trials_from_json(RECORDED.read_text(encoding="utf-8"))
    everything = [r for r in records if r.state == "complete" and not r.reason]
    survivors: list[TrialRecord] = []
    for record in everything:
        margin = learned_margin(survivors, FID, 1.25)
        if dominating(record, survivors, margin) is None:
            survivors.append(record)
    points = [objectives(record, FID) for record in everything]
    front = {everything[index].number for index in non_dominated(points)}
    lost = front - {record.number for record in survivors}
    kept = hypervolume([objectives(record, FID) for record in survivors], (40.0, 2.0))
    assert len(everything) - len(survivors) > 15
    assert len(lost) <= len(front) * 0.02
    assert kept == pytest.approx(hypervolume(points, (40.0, 2.0)), rel=1e-4)
