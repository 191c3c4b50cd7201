"""A study's calibration: measured once, on prompts of its own, and kept in the study's folder."""

from __future__ import annotations

from functools import partial

from search.calibration.fit import Fitted
from search.calibration.kept import depths_of, fits, kept_calibration
from search.calibration.measure import key_of, measure_calibration
from search.calibration.prompts import calibration_workload
from search.calibration.table import Calibration
from search.errors import TrialError, UserError
from search.launch.watching import StageWatcher
from search.launch.workers.pool import Pool
from search.records.folder import StudyFolder
from search.settings import Config
from search.space import load_space


def study_weights(
    config: Config, folder: StudyFolder, pool: Pool, watcher: StageWatcher
) -> Fitted | None:
    """What fits the weights of the space's schedules; ``None`` where none of them is fitted."""
    if not fits(load_space(config.space)):
        return None
    return Fitted(study_calibration(config, folder, pool, watcher))


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
