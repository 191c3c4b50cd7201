"""Trials whose schedule was tuned: claimed, tuned, judged like any other, and recorded."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

import optuna
from optuna.trial import TrialState, create_trial

from search.errors import TrialError, UserError
from search.records.record import TrialRecord, TunedFrom
from search.settings import TuneSettings
from search.study.interrupts import uninterrupted
from search.study.search_loop import Driver
from search.study.trial_records import ATTEMPTS, ORIGIN, Records, record_trial, requeue
from search.study.tuned_schedule import TunedSchedule

TUNED_FROM = "tuned_from"
"""User attribute of a tuned trial: the number of the trial that it comes from."""

Choose = Callable[[Sequence[TrialRecord]], Sequence[TrialRecord]]
"""Chooses what is tuned, of all finished trials."""
Tune = Callable[[TrialRecord], TunedSchedule]
"""Tunes a trial's schedule. Raises TrialError or UserError where it cannot; that is a failed
trial."""


def tuned_trials(
    driver: Driver, settings: TuneSettings, choose: Choose, tune: Tune
) -> Iterator[TrialRecord]:
    """Tune the chosen trials, one after another; yield each new trial once it is recorded.

    A trial that was tuned before, with no less effort, is not tuned again. While another driver
    tunes the last of them, this one waits, because it takes over if that driver dies.

    Args:
        settings: the effort.
    """
    records, with_retries = Records(driver.study), driver.others.with_retries
    while True:
        claimed = with_retries(partial(_claim, driver, settings, choose, records))
        if claimed == "done":
            return
        if claimed == "busy":
            driver.others.wait()
            continue
        trial, before = claimed
        with driver.others.heartbeat(trial):
            effort = TunedFrom(
                before.number, settings.iterations, settings.images, guidance=settings.guidance
            )
            record = _judged(driver, trial.number, before, effort, tune, records.read())
            stored = with_retries(
                partial(record_trial, driver.study, trial, record, driver.objective)
            )
        if stored:
            yield record


def _claim(
    driver: Driver, settings: TuneSettings, choose: Choose, records: Records
) -> tuple[optuna.Trial, TrialRecord] | Literal["busy", "done"]:
    """A new trial for the first chosen one that nobody has tuned or tunes; ``"busy"`` where others
    tune the last, ``"done"`` where all are tuned, or killed whoever tuned them."""
    study = driver.study
    with driver.others.turn(), uninterrupted():
        requeue(study, driver.others.lost(study))
        running = driver.others.running_trials(study)
        known = records.read()
        done = _tuned(known, settings) | _given_up(study)
        wanted = [record for record in choose(known) if record.number not in done]
        taken = {trial.user_attrs.get(TUNED_FROM) for trial in running}
        free = [record for record in wanted if record.number not in taken]
        if not free:
            return "busy" if wanted else "done"
        trial = _trial_from(study, free[0].number)
        driver.others.claim(trial)
        return trial, free[0]


def _tuned(records: Sequence[TrialRecord], settings: TuneSettings) -> set[int]:
    """Trials that were tuned for these scales with no less effort than the settings ask for."""
    tunings = [record.tuned_from for record in records if record.tuned_from is not None]
    return {
        each.trial
        for each in tunings
        if each.iterations >= settings.iterations
        and each.images >= settings.images
        and each.guidance == settings.guidance
    }


def _given_up(study: optuna.Study) -> set[int]:
    """Trials whose tuning failed as often as a trial is tried, because it may be what kills."""
    failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
    counts = Counter(trial.user_attrs.get(TUNED_FROM) for trial in failed)
    return {number for number, count in counts.items() if count >= ATTEMPTS and number is not None}


def _trial_from(study: optuna.Study, number: int) -> optuna.Trial:
    """A running trial with the parameters of another one, from whose schedule it is tuned: then
    Optuna's samplers, which know trials by their parameters, go on as if that one were better."""
    before = study.get_trials(deepcopy=False)[number]
    template = create_trial(
        state=TrialState.RUNNING,
        params=before.params,
        distributions=before.distributions,
        user_attrs={ORIGIN: "tuned", TUNED_FROM: number},
    )
    return optuna.Trial(study, study._storage.create_new_trial(study._study_id, template))


def _judged(
    driver: Driver,
    number: int,
    before: TrialRecord,
    effort: TunedFrom,
    tune: Tune,
    records: Sequence[TrialRecord],
) -> TrialRecord:
    """The record of a tuned trial: its price and quality, or why it has none."""
    started = time.perf_counter()
    record = TrialRecord(
        number=number,
        state="fail",
        origin="tuned",
        params=before.params,
        unpatched_calls=driver.context.calls,
        tuned_from=effort,
    )
    try:
        tuned = tune(before)
    except (TrialError, UserError) as error:
        return replace(
            record,
            reason=f"trial {before.number} could not be tuned: {error}",
            seconds=time.perf_counter() - started,
        )
    cost = tuned.calls / driver.context.calls
    record = replace(record, base=tuned.base, tuned_from=replace(effort, cost=cost))
    priced = driver.evaluator.price(record, tuned.schedule)
    if tuned.better:
        scored = driver.evaluator.score(priced, records)
    else:
        reason = f"tuning brought trial {before.number} no nearer to the unpatched images"
        scored = replace(priced, state="pruned", reason=reason)
    elapsed = time.perf_counter() - started
    work = tuned.seconds + scored.seconds - scored.overhead_s
    return driver.judged(replace(scored, seconds=elapsed, overhead_s=elapsed - work))
