"""One schedule's evaluation, rung by rung: its price, a few images, then all of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from dato import Schedule, Topology
from search.errors import TrialError
from search.latency.cost_table import CostTable
from search.metrics import metric
from search.model.images import Images, join
from search.quality.meter import QualityMeter
from search.records.base_sampler import Run
from search.records.quality import loss_of
from search.records.record import TrialRecord
from search.settings import QualitySettings
from search.study.rung_margin import learned_margin


class ImageSource(Protocol):
    """Whoever generates images: this process or a pool of workers. Same bits either way."""

    def generate(self, run: Run, indices: Sequence[int], *, heldout: bool = False) -> Images:
        """Images of the given workload entries."""
        ...


class EvaluationTimer:
    """Counts the images that are asked for, and the seconds that model and metrics take.

    What a trial takes beyond ``seconds`` is the framework's own. ``generating`` are the seconds of
    the model alone. Images count whether or not they can be scored.
    """

    def __init__(self, source: ImageSource) -> None:
        self._source = source
        self.seconds = self.generating = 0.0
        self.images = 0

    def generate(self, run: Run, indices: Sequence[int]) -> Images:
        """See :class:`ImageSource`."""
        self.images += len(indices)
        started = time.perf_counter()
        try:
            return self._source.generate(run, indices)
        finally:
            self.generating += time.perf_counter() - started

    def __enter__(self) -> EvaluationTimer:
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._start


@dataclass(frozen=True)
class Evaluator:
    """Scores schedules against one reference.

    Args:
        source: generates images.
        meter: scores them against real images and the reference.
        rung_meter: the same for the first rung's images alone.
        table: prices schedules, seconds per image.
        topology: the denoiser's skip branches and layers.
        settings: image counts and margins.
    """

    source: ImageSource
    meter: QualityMeter
    rung_meter: QualityMeter
    table: CostTable
    topology: Topology
    settings: QualitySettings

    def price(self, record: TrialRecord, schedule: Schedule) -> TrialRecord:
        """Attach the schedule with its latency and speed-up, free and without noise."""
        return replace(
            record,
            schedule=schedule,
            latency_s=self.table.price(schedule, self.topology),
            speedup=self.table.speedup(schedule, self.topology),
        )

    def score(self, record: TrialRecord, finished: Sequence[TrialRecord]) -> TrialRecord:
        """Run the rungs for a priced record.

        Args:
            record: with schedule and latency.
            finished: earlier records, which decide whether the first rung is clearly dominated.

        Returns:
            the record as complete, pruned or failed.
        """
        started, timer = time.perf_counter(), EvaluationTimer(self.source)
        try:
            scored = self._rungs(record, finished, timer)
        except TrialError as error:
            scored = replace(record, state="fail", reason=str(error))
        seconds = time.perf_counter() - started
        return replace(
            scored,
            seconds=seconds,
            overhead_s=seconds - timer.seconds,
            metric_s=timer.seconds - timer.generating,
            images=timer.images,
        )

    def _rungs(
        self, record: TrialRecord, finished: Sequence[TrialRecord], timer: EvaluationTimer
    ) -> TrialRecord:
        settings, few = self.settings, self.settings.rung_images
        if record.run.is_unpatched:
            return replace(record, state="complete", distance=0.0, quality=self.meter.unpatched())
        with timer:
            first = timer.generate(record.run, range(few))
            quality = self.rung_meter.quality(first)
        loss = quality.loss(settings.objective)
        record = replace(record, distance=quality.distance, rung_fid=loss)
        margin = learned_margin(
            _rung_and_final_losses(finished, settings.objective), settings.rung_margin
        )
        rival = dominating(record, finished, margin) if metric(settings.objective).ratio else None
        if rival is not None:
            return replace(record, state="pruned", reason=f"clearly dominated by trial {rival}")
        with timer:
            rest = timer.generate(record.run, range(few, settings.images))
            quality = self.meter.quality(join([first, rest]))
        return replace(record, state="complete", quality=quality)


def dominating(record: TrialRecord, finished: Sequence[TrialRecord], margin: float) -> int | None:
    """Number of a complete trial that is no slower and better on the first rung by ``margin``."""
    assert record.latency_s is not None
    assert record.rung_fid is not None
    for other in finished:
        if other.state != "complete" or other.latency_s is None or other.rung_fid is None:
            continue
        if other.latency_s <= record.latency_s and other.rung_fid * margin < record.rung_fid:
            return other.number
    return None


def _rung_and_final_losses(
    finished: Sequence[TrialRecord], objective: str
) -> list[tuple[float, float]]:
    """First rung's and final loss of the complete trials."""
    return [
        (record.rung_fid, loss)
        for record in finished
        if record.rung_fid is not None
        if (loss := loss_of(record.quality, objective)) is not None
    ]
