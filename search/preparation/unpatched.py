"""The unpatched model of a study: what it costs, its images, and its drift."""

from __future__ import annotations

from search.errors import TrialError, UserError
from search.latency.cost_table import CostTable
from search.model.images import Images
from search.model.reference import kept_drift, kept_images
from search.preparation.bases import unpatched_drift
from search.preparation.bench import Bench
from search.preparation.cost_table import study_table
from search.records.base_sampler import UNPATCHED


def measure_unpatched(bench: Bench) -> tuple[CostTable, Images, tuple[float, ...]]:
    """What the unpatched model costs, its images, and its drift by call.

    Raises:
        UserError: it cannot be run, for example because the memory is too small.
    """
    folder, pool, count = bench.folder, bench.pool, bench.config.quality.images
    try:
        table = study_table(bench)
        bench.watcher.stage(f"reference: {count} unpatched images")
        reference = kept_images(
            folder.reference_images, count, lambda: pool.generate(UNPATCHED, range(count))
        )
        bench.watcher.stage("drift of the reference run")
        drift = kept_drift(
            folder.reference,
            pool.description.fingerprint,
            pool.description.settings,
            lambda: unpatched_drift(pool, bench.config.model.batch_size),
        )
    except TrialError as error:
        raise UserError(f"Cannot run the unpatched model: {error}") from error
    return table, reference, drift
