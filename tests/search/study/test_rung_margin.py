"""The margin follows the noise of having seen few images, and rungs leave the front as it is."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from search.pareto import hypervolume, non_dominated
from search.records.quality import Quality
from search.records.record import TrialRecord
from search.study.evaluator import dominating
from search.study.rung_margin import ENOUGH, SIGMAS, learned_margin

RECORDED = Path(__file__).with_name("rungs.json")
CORNER = (100.0, 1.0)

Losses = list[tuple[float, float]]


def losses(noise: float, count: int, slope: float = 1.0) -> Losses:
    """Trials whose final FID follows the first rung's up to normal noise of the logarithm."""
    draw = np.random.default_rng(0)
    logs = draw.uniform(-5, 0, count)
    errors = noise * draw.standard_normal(count)
    return [(math.exp(x), math.exp(slope * x + e)) for x, e in zip(logs, errors, strict=True)]


def test_the_configured_margin_holds_until_enough_trials_are_complete() -> None:
    assert learned_margin(losses(0.1, ENOUGH - 1), 1.5) == 1.5
    assert learned_margin(losses(0.1, ENOUGH), 1.5) != 1.5


@pytest.mark.parametrize(("noise", "slope"), [(0.02, 1.0), (0.2, 1.0), (0.2, 2.0)])
def test_it_spans_the_noise_of_the_difference_of_two_trials(noise: float, slope: float) -> None:
    margin = learned_margin(losses(noise, 2000, slope), 9.0)
    assert math.log(margin) == pytest.approx(SIGMAS * math.sqrt(2) * noise / slope, rel=0.15)


def test_a_first_rung_that_says_nothing_prunes_nothing() -> None:
    assert learned_margin(losses(0.1, 50, slope=-1.0), 1.2) == math.inf


def test_answers_from_the_record_do_not_make_the_noise_look_small() -> None:
    own = losses(0.2, 100)
    assert learned_margin(own + own, 9.0) == learned_margin(own, 9.0)


def test_an_fid_of_0_has_no_logarithm_and_is_left_out() -> None:
    own = losses(0.2, 100)
    assert learned_margin([(0.0, 0.0), *own], 9.0) == learned_margin(own, 9.0)


def recorded(row: list[float], number: int) -> TrialRecord:
    share, distance, few, fid, *_ = row
    return TrialRecord(
        number=number,
        state="complete",
        origin="sampler",
        params={},
        latency_s=share,
        distance=distance,
        rung_fid=few,
        quality=Quality(fid, fid, distance, 8),
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_study_with_rungs_ends_with_the_front_of_one_without(seed: int) -> None:
    """Every schedule of a recorded comparison, evaluated in full, with rungs and without."""
    rows = json.loads(RECORDED.read_text(encoding="utf-8"))[seed]
    everything = [recorded(row, number) for number, row in enumerate(rows)]
    survivors: list[TrialRecord] = []
    for record in everything:
        seen = [(own.rung_fid or 0.0, fid(own)) for own in survivors]
        if dominating(record, survivors, learned_margin(seen, 1.25)) is None:
            survivors.append(record)
    points = [(fid(record), record.latency_s or 0.0) for record in everything]
    front = {everything[index].number for index in non_dominated(points)}
    kept = [(fid(record), record.latency_s or 0.0) for record in survivors]
    assert len(survivors) < 0.8 * len(everything)
    assert front <= {record.number for record in survivors}
    assert hypervolume(kept, CORNER) == pytest.approx(hypervolume(points, CORNER))


def fid(record: TrialRecord) -> float:
    assert record.quality is not None
    return record.quality.fid_reference
