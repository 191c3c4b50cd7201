"""A study's calibration: measured once, on prompts of its own, and kept in the study's folder."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from search.calibration.fit import Fitted
from search.calibration.kept import depths_of, fits, kept_calibration
from search.calibration.measure import key_of, measure_calibration
from search.calibration.planned import Planned
from search.calibration.prompts import calibration_workload
from search.calibration.table import Calibration
from search.errors import TrialError, UserError
from search.launch.watching import StageWatcher
from search.launch.workers.pool import Pool
from search.records.folder import StudyFolder
from search.settings import Config
from search.space import SpaceContext, load_space


def study_context(
    config: Config,
    folder: StudyFolder,
    pool: Pool,
    watcher: StageWatcher,
    drift: tuple[float, ...],
) -> SpaceContext:
    """What the study's space decodes with; calibrated where the space asks for it.

    Args:
        drift: of the reference run, by call.
    """
    space = load_space(config.space)
    context = SpaceContext(pool.description.calls, pool.description.topology, drift)
    if space.spec.rule != "planned" and not fits(space):
        return context
    calibration = study_calibration(config, folder, pool, watcher)
    return replace(context, placed=Planned.of(calibration), weights=Fitted(calibration))


def study_calibration(
    config: Config, folder: StudyFolder, pool: Pool, watcher: StageWatcher
) -> Calibration:
    """Inner products of the outputs and of every cut that the space uses.

    Raises:
        UserError: the kept file is broken, there are no prompts, or the unpatched model cannot be
            run.
    """
    depths = depths_of(load_space(config.space))
    workload = calibration_workload(config.model.prompts, config.quality.images, config.study.seed)
    described = pool.description
    key = key_of(
        described.fingerprint,
        config.model.scheduler,
        described.calls,
        config.model.guidance_scale,
        workload,
    )

    def measured() -> Calibration:
        watcher.stage(f"calibration: {len(workload)} unpatched runs")
        work = partial(measure_calibration, workload=workload, depths=depths)
        try:
            return pool.measure(work)
        except TrialError as error:
            raise UserError(f"Cannot run the unpatched model: {error}") from error

    return kept_calibration(folder.calibration, key, depths, measured)
