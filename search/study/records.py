"""Trials in the storage and records in memory: one attribute holds all that a trial measured."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.errors import UserError
from search.record import Origin, Quality, State, TrialRecord
from search.serial import trials_from_json, trials_to_json

RECORD = "record"
"""User attribute that holds the record as JSON."""

ORIGIN = "origin"
"""User attribute that enqueued trials carry."""

_STATES: dict[State, TrialState] = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "fail": TrialState.FAIL,
}


def objectives(record: TrialRecord, objective: str) -> tuple[float, float]:
    """``(FID, seconds per image)`` of a complete record."""
    quality = record.quality
    assert isinstance(quality, Quality)
    assert record.latency_s is not None
    fid = getattr(quality, objective)
    assert isinstance(fid, float)
    return fid, record.latency_s


def tell(study: optuna.Study, trial: optuna.Trial, record: TrialRecord, objective: str) -> None:
    """Store what a trial measured, then its state: a crash in between leaves it unfinished."""
    trial.set_user_attr(RECORD, trials_to_json([record]))
    for name, violation in record.violations.items():
        trial.set_constraint(name, violation)
    values = objectives(record, objective) if record.state == "complete" else None
    study.tell(trial, values=values, state=_STATES[record.state])


def read_records(study: optuna.Study) -> tuple[TrialRecord, ...]:
    """Records of all finished trials, by number."""
    return tuple(
        _record(trial)
        for trial in study.get_trials(deepcopy=False)
        if trial.state.is_finished() and RECORD in trial.user_attrs
    )


def _record(trial: FrozenTrial) -> TrialRecord:
    """Raises UserError when the storage holds anything but this trial's record."""
    match trials_from_json(trial.user_attrs[RECORD], f"trial {trial.number}"):
        case (record,) if record.number == trial.number:
            return record
    raise UserError(f"The storage holds no record of trial {trial.number}. Start a new sweep.")


def origin_of(trial: optuna.Trial | FrozenTrial) -> Origin:
    """Who proposed the trial."""
    return trial.user_attrs.get(ORIGIN, "sampler")  # type: ignore[no-any-return]


def requeue_unfinished(study: optuna.Study) -> int:
    """Tell trials that a dead driver left RUNNING as FAIL, and enqueue their parameters again.

    Returns:
        how many there were.
    """
    unfinished: Sequence[FrozenTrial] = study.get_trials(
        deepcopy=False, states=(TrialState.RUNNING,)
    )
    for trial in unfinished:
        # The driver may have died after the first of several suggestions.
        params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
        if params:
            study.enqueue_trial(params, user_attrs={ORIGIN: origin_of(trial)})
        record = TrialRecord(
            number=trial.number,
            state="fail",
            origin=origin_of(trial),
            params=trial.params,
            reason="the driver stopped before this trial ended; its parameters were enqueued again",
        )
        study._storage.set_trial_user_attr(trial._trial_id, RECORD, trials_to_json([record]))
        study.tell(trial.number, state=TrialState.FAIL)
    return len(unfinished)
