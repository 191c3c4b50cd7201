"""A study without a model: a fake evaluator whose quality follows from the schedule alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from dato import Layer, Schedule, Topology
from search.records.quality import Quality
from search.records.record import TrialRecord
from search.space import Space, SpaceContext, load_space
from search.starts.first_trials import fastest_first, unpatched_start
from search.study.search_loop import Start
from tests.postgres import postgres as postgres

CALLS = 20
SPACE = {
    "name": "test",
    "refresh": {"rule": "interval", "interval": {"kind": "int", "low": 1, "high": 10}},
    "cached": {
        "depth": {"kind": "int", "low": 1, "high": 3},
        "prune": {"level_0": {"kind": "float", "low": 0.0, "high": 0.5, "step": 0.25}},
    },
}
TOPOLOGY = Topology(
    12,
    (
        Layer("down_blocks.0.attentions.0", 0, 1),
        Layer("mid_block.attentions.0", 3, 12),
        Layer("up_blocks.3.attentions.2", 0, 0),
    ),
)


def cost(schedule: Schedule) -> float:
    """Seconds: 1 for a full call, a tenth for each depth, less where pruned."""
    kinds = [schedule.kind(call) for call in range(schedule.calls)]
    return sum(
        (1.0 if kind.depth == "full" else kind.depth / 10) - sum(kind.prune.values()) / 100
        for kind in kinds
    )


@dataclass
class FakeEvaluator:
    """Prices and scores like the real one, at once; fails or is interrupted on request."""

    interrupt_at: int | None = None
    fail_at: int | None = None
    scored: list[Schedule] = field(default_factory=list)

    def price(self, record: TrialRecord, schedule: Schedule) -> TrialRecord:
        latency = cost(schedule)
        speedup = cost(Schedule.full(schedule.calls)) / latency
        return replace(record, schedule=schedule, latency_s=latency, speedup=speedup)

    def score(self, record: TrialRecord, finished: Sequence[TrialRecord]) -> TrialRecord:
        if len(self.scored) == self.interrupt_at:
            raise KeyboardInterrupt
        assert record.schedule is not None
        self.scored.append(record.schedule)
        if len(self.scored) - 1 == self.fail_at:
            return replace(record, state="fail", reason="NaN latents")
        assert record.latency_s is not None
        fid = (CALLS - record.latency_s) ** 2 / 10
        return replace(
            record,
            state="complete",
            distance=fid / 100,
            quality=Quality(fid_real=fid + 1, fid_reference=fid, distance=fid / 100, images=8),
            seconds=0.1,
        )


@pytest.fixture
def space() -> Space:
    return load_space(SPACE)


@pytest.fixture
def context() -> SpaceContext:
    return SpaceContext(CALLS, TOPOLOGY, (0.0,) + (0.1,) * (CALLS - 1))


def starts(space: Space, context: SpaceContext, count: int) -> tuple[Start, ...]:
    """The unpatched model, then ``count`` uniform starts."""
    return (*unpatched_start(space, context), *fastest_first(space, context, count))
