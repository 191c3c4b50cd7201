"""Tunes trials of a study, between its search and its audit."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from dato import DatoError
from dato.sampler.noise_levels import noise_levels
from dato.sampler.probe import NotLinearError
from search.calibration.prompts import training_workload
from search.errors import TrialError
from search.model.base_sampler import FAILURES, measured_on
from search.model.begun import begun
from search.model.generator import Generator
from search.model.samplers import steps_of
from search.model.workload import Workload
from search.preparation.instruments import Instruments
from search.records.base_sampler import Base, Run
from search.records.record import TrialRecord
from search.settings import TuneSettings
from search.study.search_loop import Driver
from search.study.trial_records import read_records
from search.study.tuned_schedule import TunedSchedule
from search.study.tuned_trials import Choose, tuned_trials
from search.study.tuning_choice import worth_tuning
from search.tuning.counted import counted
from search.tuning.start import written
from search.tuning.tune import OFFSET, Tuning, tune


def tuning_stage(instruments: Instruments, driver: Driver) -> Iterator[TrialRecord]:
    """What a sweep does after its search: tune the trials that may move its headline. Yields each
    new trial once it is recorded. Where nothing can be tuned, the watcher is told why."""
    settings, objective = instruments.config.tune, instruments.config.quality.objective
    if not settings.members:
        return

    def choose(records: Sequence[TrialRecord]) -> Sequence[TrialRecord]:
        return worth_tuning(records, objective, settings.members)

    chosen = choose(driver.others.with_retries(lambda: read_records(driver.study)))
    if not chosen:
        instruments.watcher.stage("nothing is tuned: no trial has only full and skipped calls")
    elif reason := refusal(instruments, chosen[0]):
        instruments.watcher.stage(f"nothing is tuned: {reason}")
    else:
        yield from tuned(instruments, driver, settings, choose)


def refusal(instruments: Instruments, record: TrialRecord) -> str:
    """Why a trial's sampler cannot be tuned; empty where it can."""
    return instruments.pool.measure(partial(_refusal, run=record.run))


def tuned(
    instruments: Instruments, driver: Driver, settings: TuneSettings, choose: Choose
) -> Iterator[TrialRecord]:
    """Tune the chosen trials on training prompts; see :func:`search.study.tuned_trials`."""
    config = instruments.config
    workload = training_workload(
        config.model.prompts, config.quality.images, config.study.seed, settings.images, OFFSET
    )
    work = partial(_tuned, instruments, workload, settings)
    return tuned_trials(driver, settings, choose, work)


def _tuned(
    instruments: Instruments, workload: Workload, settings: TuneSettings, record: TrialRecord
) -> TunedSchedule:
    started = time.perf_counter()
    instruments.watcher.stage(
        f"tuning trial {record.number} ({record.speedup or 1.0:.1f}x): up to {settings.iterations} "
        f"iterations on {len(workload)} training prompts"
    )
    work = partial(_tune_on, run=record.run, workload=workload, settings=settings)
    tuning, base, calls = instruments.pool.measure(work)
    return TunedSchedule(
        schedule=tuning.schedule,
        base=base,
        better=min(tuning.losses) < tuning.losses[0],
        calls=calls,
        seconds=time.perf_counter() - started,
    )


def _refusal(generator: Generator, run: Run) -> str:
    """On a worker."""
    try:
        measured_on(generator, run.base, partial(_start, run=run))
    except (DatoError, NotLinearError, TrialError, *FAILURES) as error:
        return str(error)
    return ""


def _start(generator: Generator, run: Run) -> None:
    """Raise what stands in the way of tuning a run."""
    noise_levels(generator.pipe.scheduler)
    scheduler = begun(generator)
    steps_of(scheduler, written(run.schedule_on(generator.calls), scheduler).calls)


def _tune_on(
    generator: Generator, run: Run, workload: Workload, settings: TuneSettings
) -> tuple[Tuning, Base, float]:
    """On a worker: the tuning, what its sampler runs on, and the calls that it took."""
    try:
        with counted(generator) as count:
            tuning = tune(generator, run, workload, settings.iterations, guidance=settings.guidance)
        base = measured_on(generator, run.base, partial(_base_of, calls=tuning.schedule.calls))
        return tuning, replace(base, settings=run.base.settings if run.base else ()), count.calls
    except RuntimeError as error:  # whatever a model of anybody's makes of other timesteps
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise TrialError(f"The model does not run ({reason})") from error


def _base_of(generator: Generator, calls: int) -> Base:
    """The generator's scheduler, with as many steps as make so many calls."""
    scheduler = generator.pipe.scheduler
    return Base(type(scheduler).__name__, steps_of(scheduler, calls))
