"""Runs audits of a study's front: the small one that ends a sweep, and larger ones afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from search.errors import UserError
from search.nearest import nearest
from search.preparation.heldout import Heldout
from search.preparation.instruments import Instruments
from search.preparation.open_instruments import open_instruments
from search.preparation.random_schedules import random_schedules
from search.preparation.rivals import TimedTogether, heldout_rivals, searched_rivals
from search.records.files import save_result
from search.records.folder import StudyFolder
from search.records.front import FrontMember
from search.records.members import member_trial
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.records.rival import Rival
from search.report.page import write_report
from search.report.sample_files import SHOWN, save_samples
from search.runs.audit_checkpoint import FileAuditCheckpoint
from search.runs.result import assemble, current_result, write_presets
from search.settings import Config
from search.study.audit_checkpoint import AuditCheckpoint, NoAuditCheckpoint
from search.study.audit_choice import AuditChoice, OfTrials
from search.study.auditor import Audited, Auditor
from search.study.front_choice import baseline_record, front_of
from search.study.lock import study_lock
from search.study.watching import StageWatcher
from search.wording import listed


def audit_front(
    instruments: Instruments,
    records: Sequence[TrialRecord],
    front: Sequence[FrontMember],
    choose: Callable[[Sequence[Rival]], AuditChoice],
    checkpoint: AuditCheckpoint | None = None,
) -> tuple[Audited, tuple[Rival, ...]]:
    """Audit some members on the held-out prompts of the instruments, and the study's rivals beside
    them.

    Args:
        choose: takes the rivals as the search saw them.
    """
    config, watcher = instruments.config, instruments.watcher
    rivals = searched_rivals(instruments, front)
    watcher.stage(f"held-out reference: {instruments.heldout.images} unpatched images")
    reference, meter = instruments.audited_images()
    together = TimedTogether(instruments, heldout_rivals(instruments, rivals, meter))
    auditor = Auditor(
        source=instruments.pool,
        meter=meter,
        reference=reference,
        evaluator=instruments.evaluator,
        objective=config.quality.objective,
        time_together=together,
        stage=watcher.stage,
        shown=SHOWN,
        checkpoint=checkpoint or NoAuditCheckpoint(),
    )
    count, seed = config.latency.check_schedules, config.study.seed
    audited = auditor.audit(
        baseline_record(records, instruments.evaluator, instruments.context.calls),
        front,
        choose(rivals),
        random_schedules(instruments.space, instruments.context, count, seed),
    )
    return audited, together.rivals


def run_audit(
    config: Config,
    folder: StudyFolder,
    watcher: StageWatcher,
    *,
    images: int | None,
    seed: int | None,
    repeats: int | None,
    members: Sequence[str] = (),
) -> StudyResult:
    """Audit the front of a study, and write its files with the audited numbers.

    The files change only at the end; until then the study is unchanged.

    Args:
        images: held-out images; by default twice the search's, and no fewer than the study's own.
        seed: of prompts and noise, by default the study's.
        repeats: timings of each member, by default the study's.
        members: names of those to audit, see :func:`search.records.members.member_trial`; by
            default all. The others are only timed, and keep no
            numbers of an earlier audit: those are of other images.

    Raises:
        UserError: there are fewer images than the search used, they do not fill whole batches,
            there is nothing to audit, or the front has no member of a name.
    """
    heldout = _heldout(config, folder, images, seed, repeats)
    with study_lock(folder):
        known = current_result(config, folder)
        front = front_of(known.records, config.quality.objective)
        if not front:
            raise UserError(
                "Cannot audit the study: its front is empty. Let the sweep complete a trial first."
            )
        choice = _chosen(members, known.front, front)
        checkpoint = FileAuditCheckpoint(
            folder.audit / f"{heldout.images}-images-seed-{heldout.seed}.json"
        )
        with open_instruments(config, folder, watcher, heldout) as instruments:
            audited, rivals = audit_front(
                instruments, known.records, front, lambda _: choice, checkpoint
            )
        result = assemble(
            config, folder, known.records, audited=audited, rivals=rivals, command=known.command
        )
        result = replace(result, damage_rank=known.damage_rank)
        watcher.stage("writing presets and report")
        save_result(result, folder)
        save_samples(audited.samples, folder)
        write_presets(config, folder, result)
        write_report(result, folder)
    return result


def _chosen(
    names: Sequence[str], shown: Sequence[FrontMember], front: Sequence[FrontMember]
) -> OfTrials:
    """The members of the names, or all of them if there is no name.

    Args:
        shown: the front under the names that the study's files give it.
        front: the same, named by the cost table as before any audit.
    """
    trials = {member.record.number for member in front}
    chosen = set()
    for name in names:
        trial = member_trial(name, shown, front)
        if trial not in trials:
            known = [member.name for member in shown]
            close = listed(nearest(name, known, count=3, least=0.0))
            raise UserError(
                f"--members: the front has no member {name!r}. Name {close}, or another one that "
                "'dato-search front' lists. An audit may rename a member: trial-N names that of "
                "trial N for ever."
            )
        chosen.add(trial)
    return OfTrials(chosen or trials)


def _heldout(
    config: Config, folder: StudyFolder, images: int | None, seed: int | None, repeats: int | None
) -> Heldout:
    quality, batch = config.quality, config.model.batch_size
    count = max(2 * quality.images, quality.heldout_images) if images is None else images
    if count < quality.images:
        raise UserError(
            f"--images={count} is fewer than the {quality.images} images of the search, and an "
            "audit must be the better judge. Take more."
        )
    if count % batch:
        raise UserError(
            f"--images={count} does not fill whole batches. Take a multiple of "
            f"model.batch_size={batch}."
        )
    if seed is not None and not 0 <= seed < 2**31:
        raise UserError(f"--seed={seed} is out of range. Take one from 0 to 2147483647.")
    if repeats is not None and repeats < 1:
        raise UserError(f"--repeats={repeats} is too small. Take at least 1.")
    seed = config.study.seed if seed is None else seed
    return Heldout(
        count,
        seed,
        config.latency.repeats if repeats is None else repeats,
        folder.audit / f"{count}-images-seed-{seed}.safetensors",
    )
