"""Tuned is what decides a study: the fastest that looks no worse, then the knee."""

from __future__ import annotations

from dataclasses import replace

from dato import Schedule
from search.records.quality import Quality
from search.records.record import TrialRecord, TunedFrom
from search.study.tuning_choice import worth_tuning

UNPATCHED = TrialRecord(
    0, "complete", "baseline", {}, Schedule.full(12), 1.2, 1.0,
    quality=Quality(10.0, 0.0, 0.0, 8),
)  # fmt: skip


def trial(number: int, interval: int, fids: tuple[float, float], depth: int = 0) -> TrialRecord:
    """A full call every so many calls; FIDs to real and to unpatched images."""
    schedule = Schedule.uniform(12, interval, depth)
    latency = 1.2 / interval
    quality = Quality(*fids, 0.0, 8)
    return TrialRecord(
        number, "complete", "sampler", {}, schedule, latency, interval, quality=quality
    )


RECORDS = (
    UNPATCHED,
    trial(1, 2, (9.9, 0.01)),
    trial(2, 3, (10.1, 0.02)),
    trial(3, 4, (11.0, 0.05)),
    trial(4, 6, (15.0, 0.08)),
)


def numbers(records: tuple[TrialRecord, ...], count: int) -> list[int]:
    return [record.number for record in worth_tuning(records, "fid_reference", count)]


def test_the_fastest_that_looks_no_worse_comes_first() -> None:
    assert numbers(RECORDS, 1) == [2]


def test_then_the_knee_what_is_in_between_and_faster_neighbours() -> None:
    assert sorted(numbers(RECORDS, 4)) == [1, 2, 3, 4]
    records = (
        UNPATCHED,
        trial(1, 2, (9.9, 0.010)),
        trial(2, 3, (9.9, 0.012)),
        trial(3, 4, (9.9, 0.050)),
        trial(4, 6, (9.9, 0.080)),
        trial(5, 12, (15.0, 0.090)),
    )
    assert numbers(records, 5) == [4, 2, 3, 5, 1]


def test_without_real_images_it_is_the_knee() -> None:
    blind = tuple(
        replace(each, quality=replace(each.quality, fid_real=float("nan")))
        for each in RECORDS
        if each.quality is not None
    )
    assert numbers(blind, 1) == [2]


def test_cuts_and_tuned_trials_are_left_out_and_nothing_may_be_left() -> None:
    cut = trial(5, 12, (9.0, 0.001), depth=1)
    tuned = replace(trial(6, 4, (9.0, 0.001)), tuned_from=TunedFrom(2, 1, 2))
    assert numbers((*RECORDS, cut), 1) == [2]
    assert numbers((*RECORDS, tuned), 1) == [2], "the same choice after a tuning as before"
    assert not numbers((UNPATCHED, cut), 3)


def test_broken_images_that_few_real_ones_do_not_tell_are_left_out() -> None:
    broken = trial(5, 12, (7.0, 6.0))
    assert numbers((*RECORDS, broken), 1) == [2]
    assert numbers((UNPATCHED, broken, trial(6, 2, (9.0, 4.0))), 1) == [6], "nothing is near"
