"""What a study's space decodes with on base samplers other than the study's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from dato.schedule import Depth, Forecast
from search.calibration.fit import Fitted
from search.calibration.planned import Planned
from search.calibration.table import Calibration
from search.errors import ConfigError, TrialError, UserError
from search.model.base_sampler import calls_on, measured_on, settings_on
from search.model.drift import image_drift, mean_drift
from search.model.reference import kept_drift
from search.preparation.bench import Bench
from search.records.base_sampler import Base
from search.records.reference import base_path
from search.space import Space, SpaceContext
from search.space.base_entries import OTHERWISE
from search.workers.pool import Pool


def calls_of_bases(space: Space, pool: Pool) -> Mapping[Base, int]:
    """How many denoiser calls a run on each base of a space makes, without the study's own.

    Raises:
        ConfigError: with every base that the model cannot run.
    """
    bases = [base for base in space.bases if base is not None]
    if not bases:
        return {}
    counts = pool.measure(partial(calls_on, bases=bases))
    problems = [f"base: {calls}. {OTHERWISE}" for calls in counts if isinstance(calls, str)]
    if problems:
        raise ConfigError(f"The space {space.name!r} does not fit this model", problems)
    return {base: int(calls) for base, calls in zip(bases, counts, strict=True)}


def drift_on(bench: Bench, base: Base) -> tuple[float, ...]:
    """Drift of the unpatched run on a base, kept in the study's folder.

    Raises:
        UserError: the unpatched model cannot be run, or its weights have changed.
    """

    def measured() -> tuple[float, ...]:
        bench.watcher.stage(f"drift on {base.title}")
        try:
            return unpatched_drift(bench.pool, bench.config.model.batch_size, base)
        except TrialError as error:
            raise UserError(f"Cannot run the unpatched model: {error}") from error

    path = base_path(bench.folder, base, ".json")
    settings = bench.pool.measure(partial(settings_on, base=base))
    return kept_drift(path, bench.pool.description.fingerprint, settings, measured)


def unpatched_drift(pool: Pool, count: int, base: Base | None = None) -> tuple[float, ...]:
    """Drift of the unpatched run, the mean over the first ``count`` images of the search.

    Raises:
        TrialError: the unpatched model cannot be run.
    """
    images = [partial(image_drift, image=image) for image in range(count)]
    return mean_drift(pool.run_all([partial(measured_on, base=base, work=work) for work in images]))


@dataclass(frozen=True, eq=False)
class WhenAsked:
    """A base's calibration, which is made when a schedule first needs it.

    Args:
        make: measures it, or reads what was kept.
    """

    make: Callable[[], Calibration]

    @cached_property
    def calibration(self) -> Calibration:
        return self.make()

    @cached_property
    def _planned(self) -> Planned:
        return Planned.of(self.calibration)

    def placed(self, calls: int, count: int, cached: range, holds: bool) -> tuple[int, ...]:
        """See :class:`search.space.context.Placed`."""
        return self._planned(calls, count, cached, holds)

    def weights(
        self, depths: Sequence[Depth], forecasts: Sequence[Forecast]
    ) -> Mapping[int, tuple[float, ...]]:
        """See :class:`search.space.context.FittedWeights`."""
        return Fitted(self.calibration)(depths, forecasts) if "fitted" in forecasts else {}

    def within(self, context: SpaceContext) -> SpaceContext:
        """The context with this calibration."""
        return replace(context, placed=self.placed, weights=self.weights)
