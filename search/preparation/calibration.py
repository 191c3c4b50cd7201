"""A study's calibration: measured once, on prompts of its own, and kept in the study's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from search.calibration.fit import Fitted
from search.calibration.kept import calibrated, depths_of, kept_calibration
from search.calibration.measure import added_up, key_of, measure_image
from search.calibration.planned import Planned
from search.calibration.prompts import calibration_workload
from search.calibration.table import Calibration
from search.errors import TrialError, UserError
from search.model.base_sampler import measured_on
from search.preparation.bases import WhenAsked, drift_on
from search.preparation.bench import Bench
from search.records.base_sampler import Base
from search.records.reference import base_path
from search.space import SpaceContext


def study_context(
    bench: Bench, drift: tuple[float, ...], bases: Mapping[Base, int] = {}
) -> SpaceContext:
    """What the study's space decodes with; calibrated where the space asks for it.

    Args:
        drift: of the reference run, by call.
        bases: calls of a run on each of the space's other bases.
    """
    described = bench.pool.description
    context = SpaceContext(described.calls, described.topology, drift)
    if calibrated(bench.space) and None in bench.space.bases:
        calibration = study_calibration(bench)
        context = replace(context, placed=Planned.of(calibration), weights=Fitted(calibration))
    if not bases:
        return context
    contexts = {base: _on(bench, base, calls) for base, calls in bases.items()}
    return replace(context, bases=MappingProxyType(contexts))


def _on(bench: Bench, base: Base, calls: int) -> SpaceContext:
    """What the space decodes with on a base."""
    context = SpaceContext(calls, bench.pool.description.topology, drift_on(bench, base))
    if not calibrated(bench.space):
        return context
    when_asked = WhenAsked(partial(study_calibration, bench, base, calls))
    if bench.config.storage.kind == "postgres":
        _ = when_asked.calibration  # or drivers that ask at once would each have another
    return when_asked.within(context)


def study_calibration(
    bench: Bench, base: Base | None = None, calls: int | None = None
) -> Calibration:
    """Inner products of the outputs and of every cut that the space uses.

    Args:
        base: another sampler than the study's own, whose runs make ``calls`` calls.

    Raises:
        UserError: the kept file is broken, there are no prompts, or the unpatched model cannot be
            run.
    """
    config, pool = bench.config, bench.pool
    depths = depths_of(bench.space)
    workload = calibration_workload(config.model.prompts, config.quality.images, config.study.seed)
    described = pool.description
    key = key_of(
        described.fingerprint,
        described.work.scheduler if base is None else base.scheduler,
        described.calls if calls is None else calls,
        config.model.guidance_scale,
        workload,
    )

    def measured() -> Calibration:
        on = "" if base is None else f" on {base.title}"
        bench.watcher.stage(f"calibration{on}: {len(workload)} unpatched runs")
        images = [
            partial(measure_image, workload=workload, image=image, depths=depths)
            for image in range(len(workload))
        ]
        try:
            parts = pool.run_all([partial(measured_on, base=base, work=work) for work in images])
        except TrialError as error:
            raise UserError(f"Cannot run the unpatched model: {error}") from error
        return added_up(key, parts)

    folder = bench.folder
    path = folder.calibration if base is None else base_path(folder, base, ".safetensors")
    return kept_calibration(path, key, depths, measured)
