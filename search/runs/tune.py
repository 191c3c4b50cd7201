"""Tunes members of a study's front by gradient, judges them as trials are, and writes presets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from search.calibration.prompts import training_workload
from search.errors import TrialError, UserError
from search.model.base_sampler import measured_on
from search.model.generator import Generator
from search.model.workload import Workload
from search.preparation.instruments import Instruments, open_instruments
from search.quality.image_pairs import psnr
from search.records.base_sampler import Base, Run
from search.records.folder import StudyFolder
from search.records.headline import headline
from search.records.knee import at_knee, scored
from search.records.record import FrontMember, Quality, Rival, StudyResult
from search.records.reference import settings_of_bases
from search.records.tunable import is_tunable
from search.report.export import sampler_of, to_preset
from search.runs.result import current_result, preset_header
from search.settings import Config
from search.study.lock import study_lock
from search.study.watching import StageWatcher
from search.tuning.tune import OFFSET, Tuning, tune
from search.wording import listed


@dataclass(frozen=True)
class Judged:
    """Images of the search's prompts: their quality, and PSNR to the unpatched model's in dB."""

    quality: Quality
    psnr: float


@dataclass(frozen=True)
class TunedMember:
    """A member before and after.

    Args:
        before: the member of the front; ``after`` has the tuned schedule, its price and quality.
        judged: of both.
        tuning: what it took.
        rivals: of as many calls.
    """

    before: FrontMember
    after: FrontMember
    judged: tuple[Judged, Judged]
    tuning: Tuning
    rivals: tuple[Rival, ...]


def run_tune(
    config: Config,
    folder: StudyFolder,
    watcher: StageWatcher,
    *,
    members: Sequence[str],
    iterations: int,
    images: int,
) -> tuple[TunedMember, ...]:
    """Tune members and write a preset of each into the study's folder. Nothing else changes there.

    Args:
        members: names; by default the headline's member, or the one at the knee.
        iterations: of Adam, at most.
        images: training prompts, a third of which say when to stop.

    Raises:
        UserError: the front has no such member, one cannot be tuned, or a number is too small.
    """
    for name, value, least in (("iterations", iterations, 1), ("images", images, 2)):
        if value < least:
            raise UserError(f"--{name}={value} is too small. Take at least {least}.")
    with study_lock(folder):
        result = current_result(config, folder)
        chosen = _chosen(result, members)
        workload = training_workload(
            config.model.prompts, config.quality.images, config.study.seed, images, OFFSET
        )
        with open_instruments(config, folder, watcher) as instruments:
            tuned = tuple(
                _tuned(instruments, result, member, workload, iterations) for member in chosen
            )
        _write(config, folder, result, tuned)
    return tuned


def _chosen(result: StudyResult, names: Sequence[str]) -> tuple[FrontMember, ...]:
    if not names:
        able = [member for member in result.front if is_tunable(member.record)]
        if not able:
            raise UserError(
                f"Cannot tune the study: none of the {len(result.front)} members of its front has "
                "only full and skipped calls. Search longer, or a space with reuse up to 1."
            )
        subject = headline(result).subject
        middle = at_knee(scored(able, result.objective)) or able[0]
        return (subject if subject in able else middle,)
    known = {member.name: member for member in result.front}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(
            f"--members: the front has no member {unknown[0]!r}. Name {listed(list(known))}."
        )
    return tuple(known[name] for name in names)


def _tuned(
    instruments: Instruments,
    result: StudyResult,
    member: FrontMember,
    workload: Workload,
    iterations: int,
) -> TunedMember:
    record = member.record
    instruments.watcher.stage(f"tuning {member.name}")
    work = partial(_tune_on, run=record.run, workload=workload, iterations=iterations)
    try:
        tuning = instruments.pool.measure(work)
    except TrialError as error:
        raise UserError(f"Cannot tune {member.name}: {error}") from error
    calls = tuning.schedule.calls
    scheduler = instruments.pool.description.work.scheduler
    few = replace(record.base or Base(scheduler, calls), steps=calls)
    instruments.watcher.stage(f"images of {member.name}, before and after")
    judged = tuple(_judged(instruments, run) for run in (record.run, Run(tuning.schedule, few)))
    priced = instruments.evaluator.price(record, tuning.schedule)
    after = replace(priced, base=few, quality=judged[1].quality)
    return TunedMember(
        before=member,
        after=FrontMember(f"tuned-{after.speedup or 1.0:.1f}x", after),
        judged=(judged[0], judged[1]),
        tuning=tuning,
        rivals=tuple(each for each in result.rivals if each.calls == calls),
    )


def _tune_on(generator: Generator, run: Run, workload: Workload, iterations: int) -> Tuning:
    """On a worker."""
    schedule = run.schedule
    if schedule is None:
        raise TrialError("The unpatched model has no gap to tune.")
    return measured_on(
        generator, run.base, lambda other: tune(other, schedule, workload, iterations)
    )


def _judged(instruments: Instruments, run: Run) -> Judged:
    images = instruments.pool.generate(run, range(len(instruments.workload)))
    pairs = psnr(images.pixels.cpu(), instruments.reference.pixels.cpu())
    return Judged(instruments.evaluator.meter.quality(images), float(pairs.mean()))


def _write(
    config: Config, folder: StudyFolder, result: StudyResult, tuned: Sequence[TunedMember]
) -> None:
    model, study, created = preset_header(config, folder, result)
    settings = settings_of_bases(folder, {each.before.record.base for each in tuned})
    folder.presets.mkdir(parents=True, exist_ok=True)
    for each in tuned:
        name, calls = each.after.name, each.tuning.schedule.calls
        sampler = sampler_of(each.before.record, study, settings)
        sampler = replace(sampler, num_inference_steps=calls, calls=calls)
        preset = to_preset(result, each.after, name, model=model, sampler=sampler, created=created)
        preset.save(folder.presets / f"{name}.json")
