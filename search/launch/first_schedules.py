"""Schedules that a new study tries first: another study's front, and those planned from calls."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from dato import Schedule
from search.errors import UserError
from search.launch.instruments import Bench
from search.launch.watching import Stages
from search.records.folder import StudyFolder
from search.sensitivity.measure import measure_sensitivity
from search.sensitivity.table import Sensitivity
from search.settings.compose import load_config
from search.space import Space
from search.study.front_choice import front_of
from search.study.optimal import planned_starts
from search.study.storage import read_study
from search.study.trial_records import read_records


def first_schedules(bench: Bench, space: Space, view: Stages) -> tuple[Schedule, ...]:
    """What ``warmstart.study`` and ``warmstart.optimal`` ask for, without what the space lacks.

    Raises:
        UserError: the other study has nothing that this space has.
    """
    settings = bench.config.warmstart
    found: list[Schedule] = []
    if settings.study is not None:
        found.extend(_front(Path(settings.study), space, bench))
    depths = space.free_depths(bench.context)
    if settings.optimal and depths:
        sensitivity = kept_sensitivity(bench, depths, view)
        costs = bench.evaluator.table.depth_s
        plans = planned_starts(sensitivity, costs, settings.optimal)
        found.extend(plan.schedule() for plan in plans)
    return tuple(dict.fromkeys(found))


def _front(path: Path, space: Space, bench: Bench) -> list[Schedule]:
    folder = StudyFolder.open(path)
    config = load_config(folder.config)
    records = read_records(read_study(folder, config.storage))
    front = front_of(records, bench.config.quality.objective)
    schedules = [member.record.schedule for member in front if member.record.schedule]
    known = [own for own in schedules if space.encode(own, bench.context) is not None]
    if not known:
        raise UserError(
            f"warmstart.study={str(path)!r} has {len(schedules)} schedules on its front and the "
            f"space {space.name!r} can express none of them for {bench.context.calls} calls. Give "
            "a study of the same number of calls, or a wider space."
        )
    return known


def kept_sensitivity(bench: Bench, depths: Sequence[int], view: Stages) -> Sensitivity:
    """The study's sensitivity, measured unless its folder holds it."""
    path = bench.folder.sensitivity
    if path.is_file():
        return Sensitivity.load(path)
    view.stage("damage of single calls")
    sensitivity = bench.pool.measure(
        partial(measure_sensitivity, depths=tuple(depths), table=bench.evaluator.table)
    )
    sensitivity.save(path)
    view.stage(
        f"damage of single calls cost {sensitivity.unet_calls:.0f} UNet calls "
        f"for each of {sensitivity.images} images"
    )
    return sensitivity
