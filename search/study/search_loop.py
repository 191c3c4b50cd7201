"""The search loop: ask, decode, evaluate, tell. The storage is written before anyone is told."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import optuna
from optuna.trial import FrozenTrial, TrialState

from dato import DatoError, Schedule
from search.records.record import Origin, Parameter, TrialRecord
from search.settings.constraints import Constraints
from search.space import Space, SpaceContext
from search.study.at_once import suggested_at_once
from search.study.budget import Budget
from search.study.drivers import Alone, Crew
from search.study.evaluator import Evaluator
from search.study.interrupts import uninterrupted
from search.study.trial_records import ORIGIN, Records, origin_of, requeue, tell


@dataclass(frozen=True)
class Proposal:
    """What to evaluate next.

    Args:
        records: of all trials that were finished when it was made.
        rival: number of a trial that another driver evaluates the same schedule for, or ``None``.
    """

    trial: optuna.Trial
    params: Mapping[str, Parameter]
    records: Sequence[TrialRecord]
    rival: int | None


@dataclass(frozen=True)
class Driver:
    """Runs trials one after another; image generation inside a trial is what runs in parallel.

    Args:
        study: Optuna study with two objectives, the metric's loss and latency.
        space: where proposals come from.
        context: calls, topology and drift that decoding needs.
        evaluator: scores decoded schedules.
        objective: name of the metric whose loss is minimised.
        constraints: absolute bounds that are told to Optuna with each trial.
        crew: the other drivers of the study, if there may be any.
    """

    study: optuna.Study
    space: Space
    context: SpaceContext
    evaluator: Evaluator
    objective: str
    constraints: Constraints = Constraints()
    crew: Crew = field(default_factory=Alone)

    def prepare(self, warmstarts: int, schedules: Sequence[Schedule] = ()) -> int:
        """Enqueue warm starts in a new study; give an interrupted one its unfinished trials back.

        Args:
            warmstarts: how many uniform ones, the fastest first: they cost least.
            schedules: further ones, tried before those as far as the space has them.

        Returns:
            number of trials that a dead driver had left unfinished.
        """
        return self.crew.patiently(partial(self._prepare, warmstarts, schedules))

    def _prepare(self, warmstarts: int, schedules: Sequence[Schedule]) -> int:
        with self.crew.turn(), uninterrupted():
            trials = self.study.get_trials(deepcopy=False)
            if all(trial.state is TrialState.WAITING for trial in trials):
                self._enqueue(warmstarts, schedules)  # a driver may have died among them
                return 0
            return requeue(self.study, self.crew.lost(self.study))

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
        """Run until the study's trials have used ``budget``, yielding each record once told.

        Other drivers' trials count, and are not yielded. While the last ones run elsewhere this
        one waits, because their workers may die.
        """
        records, patiently = Records(self.study), self.crew.patiently
        while not budget.ended(patiently(records.read)):
            started = time.perf_counter()
            proposal = patiently(partial(self._propose, budget, records))
            if proposal is None:
                self.crew.rest()
                continue
            with self.crew.at_work(proposal.trial):
                record = self._evaluate(proposal)
                elapsed = time.perf_counter() - started
                work = record.seconds - record.overhead_s
                record = self._judge(replace(record, seconds=elapsed, overhead_s=elapsed - work))
                told = patiently(partial(self._tell, proposal.trial, record))
            if told:
                yield record

    def _propose(self, budget: Budget, records: Records) -> Proposal | None:
        """The next proposal; ``None`` where the budget has room for none beside those at work."""
        with self.crew.turn(), uninterrupted():
            requeue(self.study, self.crew.lost(self.study))
            others = self.crew.others(self.study)  # first: who ends meanwhile is seen by both
            known = records.read()
            if not budget.room(known, len(others)):
                return None
            trial = self.study.ask()
            self.crew.claim(trial)
            with suggested_at_once(trial):
                params = self.space.suggest(trial, self.context)
            return Proposal(trial, params, known, self._rival(params, others))

    def _rival(self, params: Mapping[str, Parameter], others: Sequence[FrozenTrial]) -> int | None:
        """Number of another driver's trial that decodes to the same schedule."""
        schedule = self.space.decode(params, self.context) if others else None
        for other in others:
            theirs = {name: other.params[name] for name in params if name in other.params}
            whole = len(theirs) == len(params)  # not where its driver died while it proposed
            if whole and self.space.decode(theirs, self.context) == schedule:
                return other.number
        return None

    def _tell(self, trial: optuna.Trial, record: TrialRecord) -> bool:
        with uninterrupted():
            return tell(self.study, trial, record, self.objective)

    def _evaluate(self, proposal: Proposal) -> TrialRecord:
        trial, params, records = proposal.trial, proposal.params, proposal.records
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
        if proposal.rival is not None:
            return replace(
                priced, state="fail", reason=f"trial {proposal.rival} has this schedule at work"
            )
        return answered(priced, schedule, records) or self.evaluator.score(priced, records)

    def _judge(self, record: TrialRecord) -> TrialRecord:
        """Attach the violations of what is known so far."""
        return replace(record, violations=self.constraints.violations(record.value))


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
