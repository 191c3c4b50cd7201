"""What a study measures with: model, workloads, reference, cost table, meters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from search.errors import TrialError, UserError
from search.latency.end_to_end import Compared, compare
from search.metrics import FID_REAL_BOUND
from search.model.images import Images
from search.model.reference import kept_images
from search.model.workload import Workload
from search.preparation.bench import Bench
from search.preparation.heldout import Heldout
from search.quality.audit_meter import AuditMeter
from search.quality.features import FeatureNetwork
from search.quality.meter import QualityMeter
from search.quality.scorers import Scorer
from search.quality.statistics import Statistics
from search.records.base_sampler import UNPATCHED, Run
from search.settings.constraints import Constraints
from search.space import SpaceContext
from search.study.evaluator import Evaluator
from search.workers.open_pool import metric_device

TIMED_S = 3.0
"""Seconds of the clock that a schedule is timed for in each round, see
:func:`search.latency.end_to_end.loop_timer`."""


@dataclass(frozen=True)
class Instruments(Bench):
    """What one study generates, prices and scores with.

    Args:
        context: what the space decodes with.
        workload: the search's prompts and noise.
        reference: the unpatched model's images of them.
        evaluator: scores schedules on the search workload.
        heldout: what the front is audited with; ``heldout_workload``: its prompts and noise.
        network: feature network; ``real``: statistics of real images, or ``None``.
        scorers: of further metrics, by name.
    """

    context: SpaceContext
    workload: Workload
    reference: Images
    evaluator: Evaluator
    heldout: Heldout
    heldout_workload: Workload
    network: FeatureNetwork
    real: Statistics | None
    scorers: Mapping[str, Scorer]

    def constraints(self) -> Constraints:
        """The study's constraints, every bound absolute.

        Raises:
            UserError: one of them cannot be kept, or bounds a metric that was not measured.
        """
        constraints = self.config.limits()
        if not constraints.metrics:
            return constraints
        unpatched = self.evaluator.meter.unpatched()
        try:
            return constraints.at(unpatched.value)
        except ValueError as error:
            raise UserError(str(error)) from error

    @property
    def heldout_metrics(self) -> tuple[str, ...]:
        """The search's, and the paired bound that says whether an FID is no worse."""
        real = () if self.config.quality.real == "none" else (FID_REAL_BOUND,)
        return tuple(dict.fromkeys((*self.config.metrics(), *real)))

    def audited_images(self) -> tuple[Images, AuditMeter]:
        """The unpatched model's held-out images and the meter that compares with them."""
        quality = self.config.quality
        try:
            images = kept_images(
                self.heldout.path,
                self.heldout.images,
                lambda: self.pool.generate(UNPATCHED, range(self.heldout.images), heldout=True),
            )
        except TrialError as error:
            raise UserError(f"Cannot run the unpatched model: {error}") from error
        meter = QualityMeter(
            self.network,
            self.real,
            images,
            metric_device(self.config.model),
            metrics=self.heldout_metrics,
            scorers=self.scorers,
            prompts=self.heldout_workload.prompts,
        )
        return images, AuditMeter(meter, quality.objective, quality.images)

    def time_together(self, runs: Sequence[Run]) -> Compared:
        """End-to-end times, in turns with the unpatched pipeline."""
        work = partial(compare, runs=tuple(runs), repeats=self.heldout.repeats, at_least_s=TIMED_S)
        return self.pool.measure(work)
