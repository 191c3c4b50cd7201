"""What a study measures with, loaded once: model, workloads, reference, cost table, meters."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import torch

from dato import Schedule
from search.constraints import Constraints
from search.errors import UserError
from search.evaluate.audit import AuditMeter
from search.evaluate.drift import reference_drift
from search.evaluate.features import FeatureNetwork, load_feature_network
from search.evaluate.generate import Generator
from search.evaluate.images import Images, first
from search.evaluate.latency import Compared, loop_timer, time_together
from search.evaluate.model import ModelConfig
from search.evaluate.prompts import make_workloads
from search.evaluate.quality import QualityMeter
from search.evaluate.real import real_statistics
from search.evaluate.reference import kept_drift, kept_images
from search.evaluate.scorers import Scorer, load_scorers
from search.evaluate.statistics_file import Statistics
from search.evaluate.workload import Workload
from search.folder import StudyFolder
from search.launch.pool import Pool, SerialPool
from search.launch.pool_local import LocalPool
from search.launch.pool_ray import RayPool
from search.launch.tables import study_table
from search.launch.view import Stages
from search.metrics import FIDS, metric
from search.settings import Config, LauncherSettings, ModelSettings
from search.space import SpaceContext
from search.study.evaluator import Evaluator

REAL_SEED = 3_000_000
"""Seed offset of the real renders, apart from the prompts' and from training's."""


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
class Bench:
    """One study's instruments.

    Args:
        generator: the model in this process, used for timing.
        pool: generates images.
        context: what the space decodes with.
        reference: the unpatched model's images of the search workload.
        evaluator: scores schedules on the search workload.
        heldout: what the front is audited with; ``unseen``: its prompts.
        network: feature network; ``real``: statistics of real images, or ``None``.
        scorers: of further metrics, by name.
    """

    config: Config
    folder: StudyFolder
    generator: Generator
    pool: Pool
    context: SpaceContext
    reference: Images
    evaluator: Evaluator
    heldout: Heldout
    unseen: Workload
    network: FeatureNetwork
    real: Statistics | None
    scorers: Mapping[str, Scorer]

    def constraints(self) -> Constraints:
        """The study's constraints, every bound absolute.

        Raises:
            UserError: one of them cannot be kept, or is on a metric that was not measured.
        """
        constraints = self.config.limits()
        if not constraints.metrics:
            return constraints
        unpatched = self.evaluator.meter.unpatched()
        try:
            return constraints.at(unpatched.value)
        except ValueError as error:
            raise UserError(str(error)) from error

    def audited_images(self) -> tuple[Images, AuditMeter]:
        """The unpatched model's held-out images and the meter that compares with them."""
        quality = self.config.quality
        images = kept_images(
            self.heldout.path,
            lambda: self.pool.generate(None, range(self.heldout.images), heldout=True),
        )
        meter = QualityMeter(
            self.network,
            self.real,
            images,
            self.config.model.device,
            metrics=self.config.metrics(),
            scorers=self.scorers,
            prompts=self.unseen.prompts,
        )
        return images, AuditMeter(meter, quality.objective, quality.images)

    def time_together(self, schedules: Sequence[Schedule]) -> Compared:
        """End-to-end times of schedules, interleaved with the unpatched pipeline."""
        timer = loop_timer(self.generator)
        return time_together(timer, schedules, self.heldout.repeats)


@contextmanager
def open_bench(
    config: Config, folder: StudyFolder, view: Stages, heldout: Heldout | None = None
) -> Iterator[Bench]:
    """Load everything; measurements that the folder already holds are read, not repeated.

    Args:
        heldout: what an audit uses instead of the study's own held-out set.
    """
    quality = config.quality
    heldout = heldout or Heldout.of(config, folder)
    search, unseen = make_workloads(
        config.model.prompts,
        images=quality.images,
        heldout_images=heldout.images,
        seed=config.study.seed,
        heldout_seed=heldout.seed,
    )
    network = load_feature_network(quality.features, quality.features_path)
    scorers = load_scorers(config.metrics(), quality, config.model.device)
    model = model_config(config.model)
    view.stage("loading the model")
    generator = Generator(model, search)
    table = study_table(config, folder, generator, view)
    with _pool(config.launcher, generator, unseen) as pool:
        view.stage(f"reference: {quality.images} unpatched images")
        reference = kept_images(
            folder.reference_images, lambda: pool.generate(None, range(quality.images))
        )
        view.stage("drift of the reference run")
        drift = kept_drift(
            folder,
            generator.fingerprint,
            lambda: reference_drift(generator, range(model.batch_size)),
        )
        real = _real(config, network, reference, view)
        meter, few = _meters(config, network, real, reference, scorers, search.prompts)
        yield Bench(
            config=config,
            folder=folder,
            generator=generator,
            pool=pool,
            context=SpaceContext(generator.calls, generator.topology, drift),
            reference=reference,
            evaluator=Evaluator(pool, meter, few, table, generator.topology, quality),
            heldout=heldout,
            unseen=unseen,
            network=network,
            real=real,
            scorers=scorers,
        )


def _meters(
    config: Config,
    network: FeatureNetwork,
    real: Statistics | None,
    reference: Images,
    scorers: Mapping[str, Scorer],
    prompts: Sequence[str],
) -> tuple[QualityMeter, QualityMeter]:
    """What judges a complete trial, and the first rung by the study's objective alone."""
    device, glance = config.model.device, config.quality.objective
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
    few = QualityMeter(
        network,
        real if metric(glance).real else None,
        first(reference, count),
        device,
        metrics=() if glance in FIDS or not metric(glance).ratio else (glance,),
        scorers=scorers,
        prompts=prompts[:count],
    )
    return meter, few


def model_config(settings: ModelSettings) -> ModelConfig:
    """The part of the settings that a generator loads."""
    names = (field.name for field in fields(ModelConfig))
    return ModelConfig(**{name: getattr(settings, name) for name in names})


def _pool(launcher: LauncherSettings, generator: Generator, heldout: Workload) -> Pool:
    parts = generator.model, generator.workload, heldout
    if launcher.kind == "ray":
        return RayPool(*parts, launcher.workers, launcher.timeout_s, launcher.address)
    workers = launcher.workers or _room(generator)
    if launcher.kind == "slurm":
        workers = 1  # each job runs trials of its own
    alone = workers == 1 and launcher.timeout is None
    if launcher.kind == "serial" or alone:
        return SerialPool(generator, heldout)
    return LocalPool(*parts, workers, launcher.timeout_s)


def _room(generator: Generator) -> int:
    """Workers by default: one for each core, or for each GPU, which holds one model."""
    if generator.device.type == "cuda":
        return torch.cuda.device_count() if generator.model.device == "cuda" else 1
    return len(os.sched_getaffinity(0))


def _real(
    config: Config, network: FeatureNetwork, reference: Images, view: Stages
) -> Statistics | None:
    quality = config.quality
    if quality.real == "none":
        return None
    view.stage("statistics of the real images")
    height, width = reference.pixels.shape[-2:]
    return real_statistics(
        quality.real,
        network,
        count=quality.real_images,
        seed=REAL_SEED + config.study.seed,
        size=(height, width),
        device=config.model.device,
    )
