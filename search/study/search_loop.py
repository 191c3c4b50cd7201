"""The search loop: propose, decode, evaluate, record. A trial is stored before it is shown."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import optuna
from optuna.trial import FrozenTrial, TrialState

from dato import DatoError
from search.records.record import Origin, Parameter, TrialRecord
from search.settings.constraints import Constraints
from search.space import Space, SpaceContext
from search.study.budget import Budget
from search.study.drivers import NoOtherDrivers, OtherDrivers
from search.study.evaluator import Evaluator
from search.study.interrupts import uninterrupted
from search.study.trial_records import ORIGIN, Records, origin_of, record_trial, requeue


@dataclass(frozen=True)
class Start:
    """A trial that is tried before the sampler proposes any.

    Args:
        params: values of all parameters of the space.
        origin: who proposed it.
    """

    params: Mapping[str, Parameter]
    origin: Origin = "warmstart"


@dataclass(frozen=True)
class Proposal:
    """What to evaluate next.

    Args:
        records: of all trials that were finished when the proposal was made.
        duplicate: number of a running trial of another driver with the same schedule, or ``None``.
    """

    trial: optuna.Trial
    params: Mapping[str, Parameter]
    records: Sequence[TrialRecord]
    duplicate: int | None


@dataclass(frozen=True)
class Driver:
    """Runs trials one after another. What runs in parallel are the images of a trial.

    Args:
        study: Optuna study with two objectives, the metric's loss and latency.
        space: where proposals come from.
        context: calls, topology and drift that decoding needs.
        evaluator: scores decoded schedules.
        objective: name of the metric whose loss is minimised.
        constraints: absolute bounds, whose violations Optuna gets with each trial.
        others: the other drivers of the study, if there may be any.
    """

    study: optuna.Study
    space: Space
    context: SpaceContext
    evaluator: Evaluator
    objective: str
    constraints: Constraints = Constraints()
    others: OtherDrivers = field(default_factory=NoOtherDrivers)

    def prepare(self, starts: Sequence[Start]) -> int:
        """Enqueue the starts of a new study, or the unfinished trials of an interrupted one.

        Args:
            starts: what is tried first, in this order.

        Returns:
            number of trials that a dead driver had left unfinished.
        """
        return self.others.with_retries(partial(self._prepare, starts))

    def _prepare(self, starts: Sequence[Start]) -> int:
        with self.others.turn(), uninterrupted():
            trials = self.study.get_trials(deepcopy=False)
            if all(trial.state is TrialState.WAITING for trial in trials):
                self._enqueue(starts)  # a driver may have died among them
                return 0
            return requeue(self.study, self.others.lost(self.study))

    def _enqueue(self, starts: Sequence[Start]) -> None:
        for start in starts:
            self.study.enqueue_trial(
                dict(start.params), user_attrs={ORIGIN: start.origin}, skip_if_exists=True
            )

    def run(self, budget: Budget) -> Iterator[TrialRecord]:
        """Run until the study's trials have used ``budget``; yield each trial once it is recorded.

        Trials of other drivers count and are not yielded. While the last of them run, this driver
        waits, because it takes them over if their drivers die.
        """
        records, with_retries = Records(self.study), self.others.with_retries
        while not budget.ended(with_retries(records.read)):
            started = time.perf_counter()
            proposal = with_retries(partial(self._propose, budget, records))
            if proposal is None:
                self.others.wait()
                continue
            with self.others.heartbeat(proposal.trial):
                record = self._evaluate(proposal)
                elapsed = time.perf_counter() - started
                work = record.seconds - record.overhead_s
                record = self.judged(replace(record, seconds=elapsed, overhead_s=elapsed - work))
                recorded = with_retries(partial(self._record, proposal.trial, record))
            if recorded:
                yield record

    def _propose(self, budget: Budget, records: Records) -> Proposal | None:
        """The next proposal, or ``None`` if the budget has no room beside the running trials."""
        with self.others.turn(), uninterrupted():
            requeue(self.study, self.others.lost(self.study))
            running = self.others.running_trials(self.study)
            # Read after the running ones: a trial that ends in between is then in both lists.
            known = records.read()
            if not budget.room(known, len(running)):
                return None
            trial = self.study.ask()
            self.others.claim(trial)
            params = self.space.suggest(trial, self.context)
            return Proposal(trial, params, known, self._duplicate(params, running))

    def _duplicate(
        self, params: Mapping[str, Parameter], running: Sequence[FrozenTrial]
    ) -> int | None:
        """Number of another driver's trial that decodes to the same schedule."""
        run = self.space.run(params, self.context) if running else None
        for other in running:
            theirs = {name: other.params[name] for name in params if name in other.params}
            whole = len(theirs) == len(params)  # a driver that dies while it proposes leaves fewer
            if whole and self.space.run(theirs, self.context) == run:
                return other.number
        return None

    def _record(self, trial: optuna.Trial, record: TrialRecord) -> bool:
        with uninterrupted():
            return record_trial(self.study, trial, record, self.objective)

    def _evaluate(self, proposal: Proposal) -> TrialRecord:
        trial, params, records = proposal.trial, proposal.params, proposal.records
        record = TrialRecord(
            number=trial.number, state="fail", origin=origin_of(trial), params=params
        )
        try:
            schedule = self.space.decode(params, self.context)
            self.context.topology.check(schedule)
            if base := self.space.base(params):
                record = replace(record, base=base, unpatched_calls=self.context.calls)
        except DatoError as error:
            return replace(record, reason=str(error))
        priced = self.judged(self.evaluator.price(record, schedule))
        if not priced.feasible and priced.origin != "baseline":
            speedup = f"a speed-up of {priced.speedup:.2f} does not keep {self.constraints}"
            return replace(priced, state="pruned", reason=speedup)
        if proposal.duplicate is not None:
            reason = f"trial {proposal.duplicate}, which is running, has the same schedule"
            return replace(priced, state="fail", reason=reason)
        return repeated(priced, records) or self.evaluator.score(priced, records)

    def judged(self, record: TrialRecord) -> TrialRecord:
        """The record with the violations of what is known so far."""
        return replace(record, violations=self.constraints.violations(record.value))


def repeated(record: TrialRecord, records: Sequence[TrialRecord]) -> TrialRecord | None:
    """The record with the results of an earlier trial of the same schedule, if there is one."""
    for other in records:
        if other.run == record.run and other.state in ("complete", "pruned"):
            return replace(
                record,
                state=other.state,
                distance=other.distance,
                rung_fid=other.rung_fid,
                quality=other.quality,
                reason=f"same schedule as trial {other.number}",
            )
    return None
