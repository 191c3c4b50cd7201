"""Trials in the storage, records in memory. One attribute holds all that a trial measured."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from search.errors import UserError
from search.records.files import trials_from_json, trials_to_json
from search.records.quality import loss_of
from search.records.record import LOST, Origin, State, TrialRecord

RECORD = "record"
"""User attribute that holds the record as JSON."""

ORIGIN = "origin"
"""User attribute of an enqueued trial: who proposed it."""

ATTEMPT = "attempt"
"""User attribute that counts how often a trial was started."""

ATTEMPTS = 3
"""A trial whose process dies is started this often, because the trial may be what kills it."""

_STATES: dict[State, TrialState] = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "fail": TrialState.FAIL,
}


def objectives(record: TrialRecord, objective: str) -> tuple[float, float]:
    """``(loss, seconds per image)`` of a complete record."""
    loss = loss_of(record.quality, objective)
    assert loss is not None
    assert record.latency_s is not None
    return loss, record.latency_s


def record_trial(
    study: optuna.Study, trial: optuna.Trial, record: TrialRecord, objective: str
) -> bool:
    """Store what a trial measured, then its state. A crash in between leaves the trial unfinished.

    Returns:
        whether the storage holds the record, by this call or by an earlier one whose answer was
        lost. It does not if another driver took this one for dead and ended its trial.
    """
    text = trials_to_json([record])
    values = objectives(record, objective) if record.state == "complete" else None
    try:
        trial.set_user_attr(RECORD, text)
        for name, violation in record.violations.items():
            trial.set_constraint(name, violation)
        study.tell(trial, values=values, state=_STATES[record.state], skip_if_finished=True)
    except UpdateFinishedTrialError:
        pass
    stored = study._storage.get_trial(trial._trial_id)
    return stored.state is _STATES[record.state] and stored.user_attrs.get(RECORD) == text


class Records:
    """The finished trials of a study, whichever driver ran them. Each is parsed once."""

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self._known: dict[int, TrialRecord] = {}

    def read(self) -> tuple[TrialRecord, ...]:
        """Records of all trials that are finished by now, by number."""
        for trial in self._study.get_trials(deepcopy=False):
            recorded = trial.state.is_finished() and RECORD in trial.user_attrs
            if recorded and trial.number not in self._known:
                self._known[trial.number] = _record(trial)
        return tuple(self._known[number] for number in sorted(self._known))


def read_records(study: optuna.Study) -> tuple[TrialRecord, ...]:
    """Records of all finished trials, by number."""
    return Records(study).read()


def _record(trial: FrozenTrial) -> TrialRecord:
    """Raises UserError if the storage holds anything but this trial's record."""
    match trials_from_json(trial.user_attrs[RECORD], f"trial {trial.number}"):
        case (record,) if record.number == trial.number:
            return record
    raise UserError(
        f"Cannot read the record of trial {trial.number}: the storage holds another trial's in its "
        "place. Start a new sweep."
    )


def origin_of(trial: optuna.Trial | FrozenTrial) -> Origin:
    """Who proposed the trial."""
    return trial.user_attrs.get(ORIGIN, "sampler")  # type: ignore[no-any-return]


def requeue(study: optuna.Study, lost: Sequence[FrozenTrial]) -> int:
    """Record trials whose process died as FAIL and enqueue their parameters again, until each was
    started :data:`ATTEMPTS` times. Tuned trials are not enqueued: whoever tunes chooses them again
    (:mod:`search.study.tuned_trials`).

    Returns:
        how many such trials there were.
    """
    for trial in lost:
        # The driver may have died after the first of several suggestions.
        params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
        attempt = trial.user_attrs.get(ATTEMPT, 1)
        if params and attempt < ATTEMPTS and origin_of(trial) != "tuned":
            attributes = {ORIGIN: origin_of(trial), ATTEMPT: attempt + 1}
            study.enqueue_trial(params, user_attrs=attributes)
        record = TrialRecord(
            number=trial.number,
            state="fail",
            origin=origin_of(trial),
            params=trial.params,
            reason=LOST
            if attempt < ATTEMPTS
            else f"its process died at each of {attempt} attempts",
        )
        try:
            study._storage.set_trial_user_attr(trial._trial_id, RECORD, trials_to_json([record]))
            study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
        except UpdateFinishedTrialError:
            continue  # its driver was alive after all and has recorded it
    return len(lost)
