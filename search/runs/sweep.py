"""A study from its configuration to its report."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

from search.jobs.run_jobs import run_jobs
from search.preparation.instruments import Instruments
from search.preparation.open_driver import open_driver
from search.preparation.open_instruments import open_instruments
from search.records.files import save_result, save_trials
from search.records.folder import StudyFolder
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.records.rival import Rival
from search.records.rivals import dominated_in_search
from search.report.page import write_report
from search.report.sample_files import save_samples
from search.runs.audit import audit_front
from search.runs.result import assemble, public_config, write_presets
from search.runs.tuning_stage import tuning_stage
from search.settings import Config
from search.starts.first_trials import first_trials
from search.study.audit_choice import FastestNoWorse
from search.study.auditor import Audited
from search.study.budget import Budget, Spent
from search.study.front_choice import front_of
from search.study.lock import study_lock
from search.study.search_loop import Driver, Start
from search.study.storage import begun
from search.study.trial_records import read_records
from search.study.watching import StageWatcher, SweepWatcher
from search.study.writable import writable
from search.tracking.make import make_tracker
from search.tracking.tracker import Tracker


def run_sweep(
    config: Config,
    folder: StudyFolder,
    watcher: SweepWatcher,
    *,
    command: str,
    on_ready: Callable[[], None],
) -> StudyResult:
    """Run a new or interrupted study to its budget, audit some of its front, write its files.

    Args:
        command: how the user started the sweep, for the report.
        on_ready: called once everything that the configuration names has loaded.

    Raises:
        UserError: the configuration does not load, another process runs the study, or its folder
            can no longer be written.
    """
    with writable(folder):
        with study_lock(folder), _study_instruments(config, folder, watcher) as instruments:
            driver = open_driver(instruments)
            fresh = not driver.others.with_retries(lambda: begun(driver.study))
            first = first_trials(instruments) if fresh else ()
            on_ready()
            tracker = _tracker(config, folder)
            _search(instruments, driver, tracker, watcher, first)
            records = driver.others.with_retries(lambda: read_records(driver.study))
            save_trials(records, folder)
            audited, rivals = _audit(instruments, records)
            result = assemble(
                config, folder, records, audited=audited, rivals=rivals, command=command
            )
        watcher.stage("writing presets and report")
        save_result(result, folder)
        save_samples(audited.samples, folder)
        write_presets(config, folder, result)
        write_report(result, folder)
        tracker.finish(result, folder)
        return result


@contextmanager
def _study_instruments(
    config: Config, folder: StudyFolder, watcher: StageWatcher
) -> Iterator[Instruments]:
    """The study's instruments.

    Files that a killed sweep was still writing are removed, and so are the measurements of a sweep
    that ends, or was killed, before it becomes a study.

    The caller holds the study's lock.
    """
    folder.forget_unfinished()
    with _forgotten(folder), open_instruments(config, folder, watcher) as instruments:
        yield instruments


@contextmanager
def _forgotten(folder: StudyFolder) -> Iterator[None]:
    """Remove what was measured before and inside the block, unless the folder is a study."""
    if folder.config.is_file():
        yield
        return
    folder.forget_measurements()
    theirs = folder.tables.exists()
    try:
        yield
    finally:
        if not folder.config.is_file():
            folder.forget_measurements()
            if not theirs:
                shutil.rmtree(folder.tables, ignore_errors=True)


def _tracker(config: Config, folder: StudyFolder) -> Tracker:
    settings = config.tracker
    tracker = make_tracker(
        settings.kind, settings.mode, settings.project, settings.entity, settings.per_trial
    )
    tracker.start(name=config.study.name, config=public_config(config), folder=folder)
    return tracker


def _search(
    instruments: Instruments,
    driver: Driver,
    tracker: Tracker,
    watcher: SweepWatcher,
    first: Sequence[Start],
) -> None:
    unfinished = driver.prepare(first)
    if unfinished:
        watcher.stage(f"{unfinished} trial(s) that never ended are run again")
    earlier = driver.others.with_retries(lambda: read_records(driver.study))
    watcher.search(earlier)
    for record in earlier:
        tracker.trial(record)
    spent = Spent.by(earlier)
    for record in chain(_trials(instruments, driver, watcher), tuning_stage(instruments, driver)):
        spent += Spent.by([record])
        watcher.trial(record, spent)
        tracker.trial(record)


def _trials(
    instruments: Instruments, driver: Driver, watcher: SweepWatcher
) -> Iterator[TrialRecord]:
    if instruments.config.launcher.kind == "slurm":
        return run_jobs(instruments.config, instruments.folder, driver, watcher)
    return driver.run(Budget.of(instruments.config.budget))


def _audit(
    instruments: Instruments, records: Sequence[TrialRecord]
) -> tuple[Audited, tuple[Rival, ...]]:
    """A small audit: some members, see :class:`search.study.audit_choice.FastestNoWorse`."""
    quality = instruments.config.quality
    front = front_of(records, quality.objective)

    def choice(rivals: Sequence[Rival]) -> FastestNoWorse:
        dominated = [
            place
            for place, member in enumerate(front)
            if dominated_in_search(member, rivals, quality.objective)
        ]
        return FastestNoWorse(quality.heldout_members, dominated)

    return audit_front(instruments, records, front, choice)
