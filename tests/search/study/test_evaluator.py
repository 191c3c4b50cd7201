"""Rungs: a clearly dominated schedule stops early, a broken one fails, others are complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
import torch

from dato import Schedule
from search.errors import TrialError
from search.latency.cost_table import CostTable
from search.model.images import Images
from search.quality.meter import QualityMeter
from search.records.base_sampler import Run
from search.records.quality import Quality
from search.records.record import TrialRecord
from search.settings import QualitySettings
from search.study.evaluator import Evaluator, dominating
from tests.search.study.conftest import TOPOLOGY

SETTINGS = QualitySettings(
    objective="fid_reference",
    features="pocket",
    real="none",
    images=8,
    rung_images=4,
    rung_margin=1.5,
    real_images=8,
    heldout_images=8,
    heldout_members=2,
)


@dataclass
class FakeSource:
    """Images whose value says how far they are from the reference."""

    asked: list[range] = field(default_factory=list)

    def generate(self, run: Run, indices: Sequence[int], *, heldout: bool = False) -> Images:
        if run.schedule is not None and run.schedule.calls == 3:
            raise TrialError("The latents hold NaN or infinity.")
        assert isinstance(indices, range)
        self.asked.append(indices)
        count = len(indices)
        return Images(torch.zeros(count, 3, 4, 4, dtype=torch.uint8), torch.zeros(count, 1, 2, 2))


class FakeMeter:
    def unpatched(self) -> Quality:
        return Quality(1.5, 0.0, 0.0, 8)

    def quality(self, images: Images) -> Quality:
        return Quality(2.0, 1.0, 0.2, len(images.pixels))


class FakeTable:
    def price(self, schedule: Schedule, topology: object) -> float:
        return float(len(set(schedule.steps)) == 1) * 3 + 1

    def speedup(self, schedule: Schedule, topology: object) -> float:
        full = self.price(Schedule.full(schedule.calls), topology)
        return full / self.price(schedule, topology)


def make(source: FakeSource) -> Evaluator:
    return Evaluator(
        source,
        cast(QualityMeter, FakeMeter()),
        cast(QualityMeter, FakeMeter()),
        cast(CostTable, FakeTable()),
        TOPOLOGY,
        SETTINGS,
    )


def proposal(number: int = 1) -> TrialRecord:
    return TrialRecord(number=number, state="fail", origin="sampler", params={})


def rival(latency: float, rung_fid: float) -> TrialRecord:
    return TrialRecord(
        number=0,
        state="complete",
        origin="sampler",
        params={},
        latency_s=latency,
        rung_fid=rung_fid,
        quality=Quality(rung_fid, rung_fid, 0.1, 8),
    )


def test_a_schedule_is_priced_against_the_unpatched_one() -> None:
    priced = make(FakeSource()).price(proposal(), Schedule.uniform(10, 5))
    assert (priced.latency_s, priced.speedup) == (1.0, 4.0)


def test_a_promising_schedule_runs_both_rungs_once() -> None:
    source = FakeSource()
    evaluator = make(source)
    record = evaluator.score(evaluator.price(proposal(), Schedule.uniform(10, 5)), [])
    assert record.state == "complete"
    assert record.quality == Quality(2.0, 1.0, 0.2, 8)
    assert source.asked == [range(4), range(4, 8)]


def test_a_clearly_dominated_schedule_stops_after_the_first_rung() -> None:
    source = FakeSource()
    evaluator = make(source)
    record = evaluator.score(
        evaluator.price(proposal(), Schedule.uniform(10, 5)), [rival(0.9, 0.5)]
    )
    assert record.state == "pruned"
    assert (record.quality, record.distance, record.rung_fid) == (None, 0.2, 1.0)
    assert record.reason == "clearly dominated by trial 0"
    assert source.asked == [range(4)]


def test_losses_without_a_ratio_stop_nothing() -> None:
    evaluator = make(FakeSource())
    priced = evaluator.price(proposal(), Schedule.uniform(10, 5))
    better = [rival(0.9, 0.5)]
    assert evaluator.score(priced, better).state == "pruned"
    by_clip = replace(evaluator, settings=SETTINGS.model_copy(update={"objective": "clip_score"}))
    assert by_clip.score(priced, better).state == "complete"


def test_dominated_means_slower_and_worse_on_few_images_by_the_margin() -> None:
    record = rival(1.0, 0.2)
    assert dominating(record, [rival(1.0, 0.13)], 1.5) == 0
    assert dominating(record, [rival(1.0, 0.14)], 1.5) is None
    assert dominating(record, [rival(1.1, 0.01)], 1.5) is None


def test_the_unpatched_schedule_is_the_reference_and_costs_nothing() -> None:
    source = FakeSource()
    evaluator = make(source)
    record = evaluator.score(evaluator.price(proposal(), Schedule.full(10)), [])
    assert (record.state, record.quality) == ("complete", Quality(1.5, 0.0, 0.0, 8))
    assert (source.asked, record.images) == ([], 0)


def test_nan_images_fail_with_the_reason() -> None:
    evaluator = make(FakeSource())
    record = evaluator.score(evaluator.price(proposal(), Schedule.uniform(3, 2)), [])
    assert record.state == "fail"
    assert "NaN" in record.reason


def test_overhead_is_what_is_left_of_the_trial() -> None:
    evaluator = make(FakeSource())
    record = evaluator.score(evaluator.price(proposal(), Schedule.uniform(10, 5)), [])
    assert 0 <= record.overhead_s <= record.seconds


def test_a_trials_time_is_split_by_model_and_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that only model and metric move: 10 and 1 seconds for each rung."""
    clock = [0.0]
    monkeypatch.setattr("search.study.evaluator.time.perf_counter", lambda: clock[0])

    class SlowSource(FakeSource):
        def generate(self, *asked: Any, **options: Any) -> Images:
            clock[0] += 10
            return super().generate(*asked, **options)

    class SlowMeter(FakeMeter):
        def quality(self, images: Images) -> Quality:
            clock[0] += 1
            return super().quality(images)

    meter = cast(QualityMeter, SlowMeter())
    evaluator = replace(make(SlowSource()), meter=meter, rung_meter=meter)
    record = evaluator.score(evaluator.price(proposal(), Schedule.uniform(10, 5)), [])
    assert (record.seconds, record.overhead_s, record.metric_s) == (22, 0, 2)
    assert record.images == 8
