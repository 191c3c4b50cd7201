"""The search loop: ask, decode, evaluate, tell. The storage is written before anyone is told."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import optuna
from optuna.trial import TrialState

from dato import DatoError, Schedule
from search.constraints import Constraints
from search.progress import fid
from search.record import Origin, Parameter, TrialRecord
from search.space import Space, SpaceContext
from search.study.budget import Budget
from search.study.evaluator import Evaluator
from search.study.interrupts import uninterrupted
from search.study.records import ORIGIN, origin_of, read_records, requeue_unfinished, tell


@dataclass(frozen=True)
class Driver:
    """Runs trials one after another; image generation inside a trial is what runs in parallel.

    Args:
        study: Optuna study with two objectives, FID and latency.
        space: where proposals come from.
        context: calls, topology and drift that decoding needs.
        evaluator: scores decoded schedules.
        objective: which FID is minimised.
        constraints: absolute bounds that are told to Optuna with each trial.
    """

    study: optuna.Study
    space: Space
    context: SpaceContext
    evaluator: Evaluator
    objective: str
    constraints: Constraints = Constraints()

    def prepare(self, warmstarts: int, schedules: Sequence[Schedule] = ()) -> int:
        """Enqueue warm starts in a new study; give an interrupted one its unfinished trials back.

        Args:
            warmstarts: how many uniform ones, the fastest first: they cost least.
            schedules: further ones, tried before those as far as the space has them.

        Returns:
            number of trials that a dead driver had left unfinished.
        """
        with uninterrupted():
            trials = self.study.get_trials(deepcopy=False)
            if all(trial.state is TrialState.WAITING for trial in trials):
                self._enqueue(warmstarts, schedules)  # a driver may have died among them
                return 0
            return requeue_unfinished(self.study)

    def _enqueue(self, warmstarts: int, schedules: Sequence[Schedule]) -> None:
        baseline = self.space.encode_uniform(1, 1, 0.0, self.context)
        if baseline is not None:
            self._first(baseline, "baseline")
        further = (self.space.encode(schedule, self.context) for schedule in schedules)
        starts = [params for params in further if params is not None]
        uniform = reversed(self.space.warm_starts(self.context, warmstarts))
        for params in [*starts, *uniform]:
            self._first(params, "warmstart")

    def _first(self, params: Mapping[str, Parameter], origin: Origin) -> None:
        self.study.enqueue_trial(dict(params), user_attrs={ORIGIN: origin}, skip_if_exists=True)

    def run(self, budget: Budget) -> Iterator[TrialRecord]:
        """Run until the study's trials have used ``budget``, yielding each record once told."""
        records = list(read_records(self.study))
        while not budget.ended(records):
            started = time.perf_counter()
            trial, params = self._propose()
            record = self._evaluate(trial, params, records)
            elapsed = time.perf_counter() - started
            work = record.seconds - record.overhead_s
            record = self._judge(replace(record, seconds=elapsed, overhead_s=elapsed - work))
            with uninterrupted():
                tell(self.study, trial, record, self.objective)
            records.append(record)
            yield record

    def _propose(self) -> tuple[optuna.Trial, Mapping[str, Parameter]]:
        with uninterrupted():
            trial = self.study.ask()
            return trial, self.space.suggest(trial, self.context)

    def _evaluate(
        self, trial: optuna.Trial, params: Mapping[str, Parameter], records: Sequence[TrialRecord]
    ) -> TrialRecord:
        record = TrialRecord(
            number=trial.number, state="fail", origin=origin_of(trial), params=params
        )
        try:
            schedule = self.space.decode(params, self.context)
            self.context.topology.check(schedule)
        except DatoError as error:
            return replace(record, reason=str(error))
        priced = self._judge(self.evaluator.price(record, schedule))
        if not priced.feasible and priced.origin != "baseline":
            speedup = f"a speed-up of {priced.speedup:.2f} does not keep {self.constraints}"
            return replace(priced, state="pruned", reason=speedup)
        return answered(priced, schedule, records) or self.evaluator.score(priced, records)

    def _judge(self, record: TrialRecord) -> TrialRecord:
        """Attach the violations of what is known so far."""
        value = fid(record.quality, self.objective)
        return replace(record, violations=self.constraints.violations(record.speedup, value))


def answered(
    record: TrialRecord, schedule: Schedule, records: Sequence[TrialRecord]
) -> TrialRecord | None:
    """The record with an earlier trial's results, if one evaluated the same schedule."""
    for other in records:
        if other.schedule == schedule and other.state in ("complete", "pruned"):
            return replace(
                record,
                state=other.state,
                distance=other.distance,
                rung_fid=other.rung_fid,
                quality=other.quality,
                reason=f"same schedule as trial {other.number}",
            )
    return None
