"""A study's calibration: measured once, on prompts of its own, and kept in the study's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from search.calibration.fit import Fitted
from search.calibration.kept import depths_of, fits, kept_calibration
from search.calibration.measure import added_up, key_of, measure_image
from search.calibration.planned import Planned
from search.calibration.prompts import calibration_workload
from search.calibration.table import Calibration
from search.errors import TrialError, UserError
from search.model.base_sampler import measured_on
from search.preparation.bases import WhenAsked, base_path, drift_on
from search.records.base_sampler import Base, BaseSampler
from search.records.folder import StudyFolder
from search.settings import Config
from search.space import SpaceContext, load_space
from search.study.watching import StageWatcher
from search.workers.pool import Pool


def study_context(
    config: Config,
    folder: StudyFolder,
    pool: Pool,
    watcher: StageWatcher,
    drift: tuple[float, ...],
    bases: Mapping[BaseSampler, int] = {},
) -> SpaceContext:
    """What the study's space decodes with; calibrated where the space asks for it.

    Args:
        drift: of the reference run, by call.
        bases: calls of a run on each of the space's other bases.
    """
    space = load_space(config.space)
    context = SpaceContext(pool.description.calls, pool.description.topology, drift)
    calibrated = space.spec.rule == "planned" or fits(space)
    if calibrated and None in space.bases:
        calibration = study_calibration(config, folder, pool, watcher)
        context = replace(
            context,
            placed=Planned.of(calibration),
            weights=Fitted(calibration),
            timesteps=calibration.drawn_over,
        )
    if not bases:
        return context
    found = {base: _on(config, folder, pool, watcher, base, calls) for base, calls in bases.items()}
    return replace(context, bases=MappingProxyType(found))


def _on(
    config: Config,
    folder: StudyFolder,
    pool: Pool,
    watcher: StageWatcher,
    base: BaseSampler,
    calls: int,
) -> SpaceContext:
    """What the space decodes with on a base."""
    space = load_space(config.space)
    drift = drift_on(config, folder, pool, watcher, base)
    context = SpaceContext(calls, pool.description.topology, drift)
    if space.spec.rule != "planned" and not fits(space):
        return context
    when_asked = WhenAsked(partial(study_calibration, config, folder, pool, watcher, base, calls))
    if config.storage.kind == "postgres":
        _ = when_asked.calibration  # or drivers that ask at once would each have another
    return when_asked.within(context)


def study_calibration(
    config: Config,
    folder: StudyFolder,
    pool: Pool,
    watcher: StageWatcher,
    base: Base = None,
    calls: int | None = None,
) -> Calibration:
    """Inner products of the outputs and of every cut that the space uses.

    Args:
        base: another sampler than the study's own, whose runs make ``calls`` calls.

    Raises:
        UserError: the kept file is broken, there are no prompts, or the unpatched model cannot be
            run.
    """
    depths = depths_of(load_space(config.space))
    workload = calibration_workload(config.model.prompts, config.quality.images, config.study.seed)
    described = pool.description
    key = key_of(
        described.fingerprint,
        config.model.scheduler if base is None else base.scheduler,
        described.calls if calls is None else calls,
        config.model.guidance_scale,
        workload,
    )

    def measured() -> Calibration:
        on = "" if base is None else f" on {base.title}"
        watcher.stage(f"calibration{on}: {len(workload)} unpatched runs")
        images = [
            partial(measure_image, workload=workload, image=image, depths=depths)
            for image in range(len(workload))
        ]
        try:
            found = pool.run_all([partial(measured_on, base=base, work=own) for own in images])
        except TrialError as error:
            raise UserError(f"Cannot run the unpatched model: {error}") from error
        return added_up(key, found)

    path = folder.calibration if base is None else base_path(folder, base, ".safetensors")
    return kept_calibration(path, key, depths, measured)
