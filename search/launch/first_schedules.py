"""Schedules that a new study tries first: another study's front, and those planned from calls."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from dato import Schedule
from search.errors import UserError
from search.launch.instruments import Instruments
from search.launch.watching import StageWatcher
from search.records.folder import StudyFolder
from search.sensitivity.measure import measure_sensitivity
from search.sensitivity.table import Sensitivity
from search.settings.compose import load_config
from search.space import Space
from search.study.front_choice import front_of
from search.study.optimal import planned_starts
from search.study.storage import read_study
from search.study.trial_records import read_records


def first_schedules(
    instruments: Instruments, space: Space, watcher: StageWatcher
) -> tuple[Schedule, ...]:
    """What ``warmstart.study`` and ``warmstart.optimal`` ask for, without what the space lacks.

    Raises:
        UserError: the other study has nothing that this space has.
    """
    settings = instruments.config.warmstart
    found: list[Schedule] = []
    if settings.study is not None:
        found.extend(_front(Path(settings.study), space, instruments))
    depths = space.free_depths(instruments.context)
    if settings.optimal and depths:
        sensitivity = kept_sensitivity(instruments, depths, watcher)
        costs = instruments.evaluator.table.depth_s
        plans = planned_starts(sensitivity, costs, settings.optimal)
        found.extend(plan.schedule() for plan in plans)
    return tuple(dict.fromkeys(found))


def _front(path: Path, space: Space, instruments: Instruments) -> list[Schedule]:
    folder = StudyFolder.open(path)
    config = load_config(folder.config)
    records = read_records(read_study(folder, config.storage))
    front = front_of(records, instruments.config.quality.objective)
    schedules = [member.record.schedule for member in front if member.record.schedule]
    known = [own for own in schedules if space.encode(own, instruments.context) is not None]
    if not known:
        raise UserError(
            f"warmstart.study={str(path)!r} has {len(schedules)} schedules on its front and the "
            f"space {space.name!r} can express none of them for {instruments.context.calls} calls. "
            "Give a study of the same number of calls, or a wider space."
        )
    return known


def kept_sensitivity(
    instruments: Instruments, depths: Sequence[int], watcher: StageWatcher
) -> Sensitivity:
    """The study's sensitivity, measured unless its folder holds it."""
    path = instruments.folder.sensitivity
    if path.is_file():
        return Sensitivity.load(path)
    watcher.stage("damage of single calls")
    sensitivity = instruments.pool.measure(
        partial(measure_sensitivity, depths=tuple(depths), table=instruments.evaluator.table)
    )
    sensitivity.save(path)
    watcher.stage(
        f"damage of single calls cost {sensitivity.unet_calls:.0f} UNet calls "
        f"for each of {sensitivity.images} images"
    )
    return sensitivity
