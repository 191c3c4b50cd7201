"""Importance: a parameter that matters is found, one that does not is not shown."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from search.records.quality import Quality
from search.records.record import Parameter, TrialRecord
from search.report.importance import MIN_TRIALS, adjusted_share, groups, importance


def trial(number: int, params: Mapping[str, Parameter], fid: float, latency: float) -> TrialRecord:
    quality = Quality(fid, fid, 0.1, 8)
    return TrialRecord(
        number, "complete", "sampler", params, None, latency, 1 / latency, 0.1, quality
    )


def study(trials: int, seed: int = 0) -> list[TrialRecord]:
    """FID by ``interval``, latency by ``interval`` and ``mode``; ``idle`` does nothing."""
    rng = random.Random(seed)
    records = []
    for number in range(trials):
        interval, mode = rng.randint(1, 25), rng.choice(["a", "b", "c"])
        params: dict[str, Parameter] = {
            "interval": interval,
            "mode": mode,
            "idle": rng.random(),
            "fixed": 1,
        }
        latency = 1 / interval * {"a": 0.6, "b": 1.0, "c": 1.6}[mode]
        records.append(trial(number, params, interval + 2 * rng.random(), latency))
    return records


def test_what_matters_is_found_and_what_does_not_is_left_out() -> None:
    found = importance(study(60), "fid_real")
    assert list(found.fid) == ["interval"]
    assert found.fid["interval"] > 0.9
    assert set(found.latency) == {"interval", "mode"}
    assert next(iter(found.trade)) == "mode"
    assert found.names == ("idle", "interval", "mode")
    assert found.shown == ("interval", "mode")


def test_without_an_effect_hardly_anything_is_shown() -> None:
    shown = 0
    for seed in range(100):
        records = study(40, seed)
        params = [record.params for record in records]
        random.Random(seed).shuffle(params)
        dealt = [replace(r, params=p) for r, p in zip(records, params, strict=True)]
        shown += bool(importance(dealt, "fid_real").fid)
    assert shown <= 12  # 5 are expected


def test_too_few_trials_are_not_judged() -> None:
    found = importance(study(MIN_TRIALS - 1), "fid_real")
    assert (found.fid, found.trade, found.latency) == ({}, {}, {})
    assert found.complete == MIN_TRIALS - 1
    assert importance([], "fid_real").names == ()


def test_stopped_trials_have_a_latency_but_no_fid() -> None:
    records = study(60)
    stopped = [replace(record, state="pruned", quality=None) for record in records]
    found = importance(stopped, "fid_real")
    assert found.complete == 0
    assert found.priced == 60
    assert found.fid == {}
    assert "interval" in found.latency


def test_a_parameter_of_some_trials_is_judged_on_those() -> None:
    records = []
    for record in study(80):
        params = dict(record.params)
        fid = record.quality.fid_real if record.quality else 0.0
        if params["mode"] == "a":
            params["depth"] = record.number % 3
            fid += 100 * (record.number % 3)
        records.append(trial(record.number, params, fid, record.latency_s or 1.0))
    assert importance(records, "fid_real").fid["depth"] > 0.8


@given(st.lists(st.sampled_from([1, 2, 3, 5, 8, 13, 21, 34, 55, "full"]), min_size=1, max_size=60))
def test_equal_values_share_a_group_and_order_is_kept(values: list[Parameter]) -> None:
    group = dict(zip(values, groups(values).tolist(), strict=True))
    assert [group[value] for value in values] == groups(values).tolist()
    if all(isinstance(value, int) for value in values):
        order = [group[value] for value in sorted(group, key=float)]
        assert order == sorted(order)
        assert len(set(order)) <= 5


def test_the_share_is_epsilon_squared_of_the_ranks() -> None:
    """Against the textbook's sums, written out."""
    target, group = np.array([1.0, 2.0, 3.0, 10.0, 11.0, 20.0]), np.array([0, 0, 1, 1, 2, 2])
    share, chance = adjusted_share(group, target)
    ranks = [(1, 2), (3, 4), (5, 6)]
    between = sum(2 * (sum(pair) / 2 - 3.5) ** 2 for pair in ranks)
    within = sum((rank - sum(pair) / 2) ** 2 for pair in ranks for rank in pair)
    assert share == pytest.approx((between - 2 * within / 3) / (between + within))
    assert chance == pytest.approx(chi2.sf(5 * between / (between + within), 2))
    assert adjusted_share(group, np.ones(6)) == (0.0, 1.0)
    assert adjusted_share(np.zeros(6, dtype=int), target) == (0.0, 1.0)
