"""Measures rivals: the unpatched model with fewer steps, on a study's prompts and noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from dato import Schedule
from search.errors import TrialError
from search.latency.end_to_end import Compared
from search.model.base_sampler import settled
from search.preparation.instruments import Instruments
from search.preparation.kept_rivals import kept_quality, rival_path
from search.preparation.rival_bases import rival_bases
from search.quality.audit_meter import AuditMeter
from search.records.base_sampler import Base, Run
from search.records.files import load_rivals, save_rivals
from search.records.front import FrontMember
from search.records.quality import Quality
from search.records.rival import Rival
from search.records.rivals import best_rivals, with_better_settings

UNKNOWN = Quality(0.0, 0.0, 0.0, 0)
"""Of a rival whose images are not made yet."""


def searched_rivals(instruments: Instruments, front: Sequence[FrontMember]) -> tuple[Rival, ...]:
    """The study's rivals on the images of the search, slowest first.

    Each sampler is tried with the study's settings and with the defaults of its class, and the
    better one of both is a rival. Those that take timesteps are rivals at given ones, too.
    Each is kept in the study's folder once it is measured, so a killed study goes on with the next.
    A sampler that the model cannot take is left out, and so is one whose images are not finite.
    """
    config, folder, watcher = instruments.config, instruments.folder, instruments.watcher
    kept = {rival.base: rival for rival in load_rivals(folder.rivals)}
    wanted = rival_bases(instruments, front)
    left_out: set[str] = set()
    planned = [each for each in _planned(instruments, wanted, left_out) if each.base not in kept]
    for number, rival in enumerate(planned, start=1):
        watcher.stage(f"rival {number} of {len(planned)}: {rival.name}")
        try:
            kept[rival.base] = _searched(instruments, rival)
        except TrialError as error:
            left_out.add(f"{rival.name}: {error}")
            continue
        save_rivals(kept.values(), folder.rivals)
    for reason in sorted(left_out):
        watcher.stage(f"left out of the rivals: {reason}")
    better = with_better_settings(tuple(kept.values()), config.quality.objective)
    return tuple(sorted(better, key=lambda rival: -rival.latency_s))


def heldout_rivals(
    instruments: Instruments, rivals: Sequence[Rival], meter: AuditMeter
) -> tuple[Rival, ...]:
    """The rivals, with held-out images of those that no other one dominates."""
    objective, watcher = instruments.config.quality.objective, instruments.watcher
    best = best_rivals(rivals, objective)
    judged = {rival.base: replace(rival, heldout=None) for rival in rivals}
    for number, rival in enumerate(best, start=1):
        watcher.stage(f"held-out images of rival {number} of {len(best)}: {rival.name}")
        path = rival_path(
            instruments, rival, instruments.heldout_workload, instruments.heldout_metrics
        )
        try:
            quality, seconds = kept_quality(
                path, rival, partial(_heldout, instruments, rival, meter)
            )
        except TrialError:  # what the search measured still stands
            continue
        judged[rival.base] = replace(rival, heldout=quality, seconds=rival.seconds + seconds)
    return tuple(judged.values())


class TimedTogether:
    """Times rivals in turns with the members of a front.

    Args:
        rivals: those with held-out images are timed.

    Attributes:
        rivals: all of them, with their times once the members were timed.
    """

    def __init__(self, instruments: Instruments, rivals: Sequence[Rival]) -> None:
        self._instruments = instruments
        self.rivals = tuple(rivals)

    def __call__(self, runs: Sequence[Run]) -> Compared:
        """The times of the runs."""
        timed = [rival for rival in self.rivals if rival.heldout is not None]
        compared = self._instruments.time_together([*runs, *(rival.run for rival in timed)])
        members = len(runs)
        times = {
            rival.base: (timing, speedup)
            for rival, timing, speedup in zip(
                timed, compared.timings[members:], compared.speedups[members:], strict=True
            )
        }
        self.rivals = tuple(
            replace(rival, timing=times[base][0], timed_speedup=times[base][1])
            if (base := rival.base) in times
            else rival
            for rival in self.rivals
        )
        return replace(
            compared, timings=compared.timings[:members], speedups=compared.speedups[:members]
        )


def _planned(instruments: Instruments, wanted: Sequence[Base], left_out: set[str]) -> list[Rival]:
    """Rivals without images. ``left_out`` gets the reasons why others are none."""
    if not wanted:
        return []
    pool, table = instruments.pool, instruments.evaluator.table
    topology, most = pool.description.topology, pool.description.calls
    whole = table.price(Schedule.full(most), topology)
    planned = []
    for known in pool.measure(partial(settled, bases=tuple(wanted))):
        if isinstance(known, str):
            left_out.add(known)
        elif known.calls < most:
            seconds = table.price(Schedule.full(known.calls), topology)
            planned.append(
                Rival(
                    known.base.scheduler,
                    known.base.steps,
                    known.calls,
                    seconds,
                    whole / seconds,
                    UNKNOWN,
                    settings=known.base.settings,
                    effective=known.settings,
                    timesteps=known.base.timesteps,
                )
            )
    return planned


def _searched(instruments: Instruments, rival: Rival) -> Rival:
    workload, meter = instruments.workload, instruments.evaluator.meter

    def made() -> Quality:
        indices = range(len(workload))
        return meter.quality(instruments.pool.generate(rival.run, indices))

    path = rival_path(instruments, rival, workload, instruments.config.metrics())
    quality, seconds = kept_quality(path, rival, made)
    return replace(rival, quality=quality, seconds=seconds)


def _heldout(instruments: Instruments, rival: Rival, meter: AuditMeter) -> Quality:
    indices = range(meter.count)
    return meter.quality(instruments.pool.generate(rival.run, indices, heldout=True))
