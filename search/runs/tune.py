"""Tunes trials of a study, and adds what comes of them to the study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.errors import UserError
from search.preparation.open_driver import open_driver
from search.preparation.open_instruments import open_instruments
from search.records.files import save_result
from search.records.folder import StudyFolder
from search.records.members import member_trial
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.records.tuned import is_tunable
from search.report.page import write_report
from search.runs.result import current_result, with_more_trials, write_presets
from search.runs.tuning_stage import refusal, tuned
from search.settings import Config, TuneSettings, parse_config
from search.study.lock import study_lock
from search.study.trial_records import read_records
from search.study.tuning_choice import worth_tuning
from search.study.watching import StageWatcher
from search.wording import listed


@dataclass(frozen=True)
class Tuned:
    """What a tuning added to a study.

    Args:
        result: of the study, with the new trials.
        trials: the tuned trials, in the order of the members that were asked for.
    """

    result: StudyResult
    trials: tuple[TrialRecord, ...]


def run_tune(
    config: Config,
    folder: StudyFolder,
    watcher: StageWatcher,
    *,
    members: Sequence[str],
    asked: Mapping[str, object],
) -> Tuned:
    """Tune members of a study's front. Each becomes a further trial of the study, judged on the
    search's images; front, presets and report follow. Audited numbers of other members stay.

    Args:
        members: names, see :func:`named`; by default those that a sweep would choose.
        asked: settings that take the place of the study's, where they are not None; see
            :class:`search.settings.TuneSettings`.

    Raises:
        UserError: there is no such trial, or one cannot be tuned.
        ConfigError: a setting is wrong.
    """
    settings = _settings(config, asked)
    with study_lock(folder):
        known = current_result(config, folder)
        chosen = _chosen(known, members, max(1, settings.members))
        numbers = [record.number for record in chosen]
        with open_instruments(config, folder, watcher) as instruments:
            for record in chosen:
                if reason := refusal(instruments, record):
                    raise UserError(f"Cannot tune trial {record.number}: {reason}")
            driver = open_driver(instruments)
            for _ in tuned(instruments, driver, settings, lambda _: chosen):
                pass
            records = driver.others.with_retries(lambda: read_records(driver.study))
        result = with_more_trials(known, records, folder)
        watcher.stage("writing presets and report")
        save_result(result, folder)
        write_presets(config, folder, result)
        write_report(result, folder)
    newest = {each.tuned_from.trial: each for each in records if each.tuned_from is not None}
    return Tuned(result, tuple(newest[number] for number in numbers if number in newest))


def _settings(config: Config, asked: Mapping[str, object]) -> TuneSettings:
    """The study's settings of tuning, with what was asked for instead."""
    values = config.model_dump(mode="json")
    changes = {name: value for name, value in asked.items() if value is not None}
    return parse_config({**values, "tune": {**values["tune"], **changes}}).tune


def _chosen(result: StudyResult, names: Sequence[str], count: int) -> tuple[TrialRecord, ...]:
    if not names:
        chosen = worth_tuning(result.records, result.objective, count)
        if not chosen:
            raise UserError(
                "Cannot tune the study: none of its complete trials has only full and skipped "
                "calls. Search longer, or a space whose calls forecast the output."
            )
        return chosen
    records = [named(result, name) for name in names]
    return tuple({record.number: record for record in records}.values())


def named(result: StudyResult, name: str) -> TrialRecord:
    """The trial that ``--members`` names: a member's, or any complete one as ``trial-17``.

    Raises:
        UserError: there is none, it was tuned already, or it is no sampler.
    """
    trial = member_trial(name, result.front)
    record = next(
        (
            each
            for each in result.records
            if each.state == "complete" and (each.number == trial or name == f"trial-{each.number}")
        ),
        None,
    )
    if record is None:
        able = [each.name for each in result.front if is_tunable(each.record)]
        raise UserError(
            f"--members: the front has no member {name!r}, and no complete trial is called so. "
            f"Name {listed([*able, 'another trial as trial-N'])}."
        )
    if record.tuned_from is not None:
        raise UserError(
            f"--members: {name} is tuned. Name trial-{record.tuned_from.trial}, which it comes "
            "from, with more --iterations or --images."
        )
    if not is_tunable(record):
        raise UserError(
            f"--members: {name} has calls that recompute a part of the model, or leaves none out, "
            "so it is no sampler of fewer calls. Name a trial of full and skipped calls."
        )
    return record
