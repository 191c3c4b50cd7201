"""What a study measures with, loaded once: model, workloads, reference, cost table, meters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from search.errors import TrialError, UserError
from search.latency.cost_table import CostTable
from search.latency.end_to_end import Compared, compare
from search.metrics import FID_REAL_BOUND, FIDS, metric
from search.model.images import Images, first
from search.model.prompts import make_workloads
from search.model.reference import kept_drift, kept_images
from search.model.workload import Workload
from search.preparation.bases import calls_of_bases, unpatched_drift
from search.preparation.bench import Bench
from search.preparation.calibration import study_context
from search.preparation.cost_table import study_table
from search.preparation.features import require_same_features
from search.preparation.given_timesteps import with_timesteps
from search.preparation.inputs import require_same_inputs
from search.quality.audit_meter import AuditMeter
from search.quality.features import FeatureNetwork, load_feature_network
from search.quality.meter import QualityMeter, require_features_of
from search.quality.real_images import real_statistics
from search.quality.scorers import Scorer, load_scorers
from search.quality.statistics import Statistics
from search.records.base_sampler import UNPATCHED, Run
from search.records.folder import StudyFolder
from search.settings import Config
from search.settings.constraints import Constraints
from search.space import SpaceContext, load_space
from search.study.evaluator import Evaluator
from search.study.watching import StageWatcher
from search.workers.open_pool import metric_device, model_config, open_pool

REAL_SEED = 3_000_000
"""Seed offset of the real renders, apart from the prompts' and from training's."""

TIMED_S = 3.0
"""Seconds of the clock that a schedule is timed for in each round, see
:func:`search.latency.end_to_end.loop_timer`."""


@dataclass(frozen=True)
class Heldout:
    """What the front is audited with.

    Args:
        images: held-out prompts; ``seed`` of those prompts and their noise.
        repeats: end-to-end times of each member.
        path: where the unpatched model's images of them are kept.
    """

    images: int
    seed: int
    repeats: int
    path: Path

    @classmethod
    def of(cls, config: Config, folder: StudyFolder) -> Heldout:
        """The audit that ends every sweep."""
        count, repeats = config.quality.heldout_images, config.latency.repeats
        return cls(count, config.study.seed, repeats, folder.heldout_images)


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


@contextmanager
def open_instruments(
    config: Config, folder: StudyFolder, watcher: StageWatcher, heldout: Heldout | None = None
) -> Iterator[Instruments]:
    """Load everything. Measurements that the folder already holds are read, not repeated.

    Args:
        heldout: what an audit uses instead of the study's own held-out set.
    """
    quality = config.quality
    heldout = heldout or Heldout.of(config, folder)
    search, heldout_workload = make_workloads(
        config.model.prompts,
        images=quality.images,
        heldout_images=heldout.images,
        seed=config.study.seed,
        heldout_seed=heldout.seed,
    )
    network = load_feature_network(quality.features, quality.features_path)
    require_same_features(folder, network)
    scorers = load_scorers(
        config.metrics(),
        quality,
        metric_device(config.model),
        (*search.prompts, *heldout_workload.prompts),
    )
    model = model_config(config.model)
    watcher.stage("loading the model")
    with open_pool(config.launcher, model, search, heldout_workload) as pool:
        bench = Bench(config, load_space(config.space), folder, pool, watcher)
        require_same_inputs(config, folder, pool.description, watcher)
        bench.space.check(pool.description.topology)
        bench = with_timesteps(bench)
        bases = calls_of_bases(bench.space, pool)
        if pool.absent:
            watcher.stage(f"{pool.absent} worker(s) are not there yet and join when they come")
        real = _real(config, network, pool.description.work.image_size, watcher)
        table, reference, drift = measure_unpatched(bench)
        meter, rung_meter = _meters(config, network, real, reference, scorers, search.prompts)
        context = study_context(bench, drift, bases)
        bench.space.parameters(context)
        yield Instruments(
            **vars(bench),
            context=context,
            workload=search,
            reference=reference,
            evaluator=Evaluator(pool, meter, rung_meter, table, pool.description.topology, quality),
            heldout=heldout,
            heldout_workload=heldout_workload,
            network=network,
            real=real,
            scorers=scorers,
        )


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


def _meters(
    config: Config,
    network: FeatureNetwork,
    real: Statistics | None,
    reference: Images,
    scorers: Mapping[str, Scorer],
    prompts: Sequence[str],
) -> tuple[QualityMeter, QualityMeter]:
    """The meter that judges complete trials, and the first rung's, which reads the objective."""
    device, objective = metric_device(config.model), config.quality.objective
    count = config.quality.rung_images
    meter = QualityMeter(
        network,
        real,
        reference,
        device,
        metrics=config.metrics(),
        scorers=scorers,
        prompts=prompts,
    )
    rung_meter = QualityMeter(
        network,
        real if metric(objective).real else None,
        first(reference, count),
        device,
        metrics=() if objective in FIDS or not metric(objective).ratio else (objective,),
        scorers=scorers,
        prompts=prompts[:count],
    )
    return meter, rung_meter


def _real(
    config: Config, network: FeatureNetwork, size: tuple[int, int], watcher: StageWatcher
) -> Statistics | None:
    quality, device = config.quality, metric_device(config.model)
    if quality.real == "none":
        return None
    watcher.stage("statistics of the real images")
    real = real_statistics(
        quality.real,
        network,
        count=quality.real_images,
        seed=REAL_SEED + config.study.seed,
        size=size,
        device=device,
    )
    blank = torch.zeros(1, 3, *size, dtype=torch.uint8)
    require_features_of(network, real, next(network.embed([blank], device)).shape[1])
    return real
