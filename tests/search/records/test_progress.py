"""How the front grew: only upwards, from the baseline on, whatever else happened."""

from __future__ import annotations

from dataclasses import replace

from search.records.progress import progress
from search.records.quality import Quality
from search.records.record import TrialRecord
from search.records.result import StudyResult

BASE = TrialRecord(
    0, "complete", "baseline", {}, latency_s=1.0, speedup=1.0, quality=Quality(10, 0, 0, 8)
)


def trial(number: int, fid: float, latency: float) -> TrialRecord:
    quality = Quality(fid, fid, 0.1, 8)
    return TrialRecord(number, "complete", "sampler", {}, latency_s=latency, quality=quality)


def test_hypervolume_is_a_share_of_the_baselines_box() -> None:
    steps = progress([BASE, trial(1, 10, 0.5), trial(2, 5, 0.5), trial(3, 40, 0.1)], "fid_real")
    assert [step.hypervolume for step in steps] == [0, 0.25, 0.375, 0.375]
    assert [step.size for step in steps] == [1, 1, 1, 2]


def test_the_curve_only_grows(result: StudyResult) -> None:
    for objective in ("fid_real", "fid_reference"):
        values = [step.hypervolume or 0 for step in progress(result.records, objective)]
        assert values == sorted(values)
        assert values[-1] > 0


def test_pruned_and_failed_trials_change_nothing() -> None:
    pruned = TrialRecord(1, "pruned", "sampler", {}, latency_s=0.1, distance=3.0)
    failed = replace(trial(2, 1, 0.1), state="fail")
    steps = progress([BASE, pruned, failed], "fid_real")
    assert [(step.trial, step.size) for step in steps] == [(0, 1), (1, 1), (2, 1)]


def test_before_the_baseline_there_is_no_hypervolume() -> None:
    assert progress([trial(0, 5, 0.5)], "fid_real")[0].hypervolume is None


def test_cost_counts_an_image_by_its_share_of_an_unpatched_one() -> None:
    first = replace(BASE, images=10)
    fast = replace(trial(1, 5, 0.25), images=8, speedup=4.0)
    unpriced = replace(fast, number=2, speedup=None)
    assert [step.cost for step in progress([first, fast, unpriced], "fid_real")] == [10, 12, 12]
