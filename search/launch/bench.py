"""What a study measures with, loaded once: model, workloads, reference, cost table, meters."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields

import torch

from dato import Schedule
from search.constraints import Constraints
from search.errors import UserError
from search.evaluate.calibrate import measure
from search.evaluate.cost_table import CostTable
from search.evaluate.drift import reference_drift
from search.evaluate.features import load_feature_network
from search.evaluate.generate import Generator, Images
from search.evaluate.latency import Compared, loop_timer, time_together
from search.evaluate.model import ModelConfig
from search.evaluate.prompts import make_workloads
from search.evaluate.quality import QualityMeter
from search.evaluate.real import real_images
from search.evaluate.reference import kept_drift, kept_images
from search.evaluate.workload import Workload
from search.folder import StudyFolder
from search.launch.pool import Pool, SerialPool
from search.launch.pool_local import LocalPool
from search.launch.pool_ray import RayPool
from search.launch.view import View
from search.settings import Config, LauncherSettings
from search.space import SpaceContext
from search.study.evaluator import Evaluator

REAL_SEED = 3_000_000
"""Seed offset of the real renders, apart from the prompts' and from training's."""


@dataclass(frozen=True)
class Bench:
    """One study's instruments.

    Args:
        generator: the model in this process, used for timing.
        pool: generates images.
        context: what the space decodes with.
        reference: the unpatched model's images of the search workload.
        evaluator: scores schedules on the search workload.
        network: feature network; ``real``: real images, uint8 (n, 3, h, w), or ``None``.
    """

    config: Config
    folder: StudyFolder
    generator: Generator
    pool: Pool
    context: SpaceContext
    reference: Images
    evaluator: Evaluator
    network: torch.nn.Module
    real: torch.Tensor | None

    def constraints(self) -> Constraints:
        """The study's constraints, every bound absolute.

        Raises:
            UserError: one of them cannot be kept, or is on an FID that was not measured.
        """
        constraints = self.config.constraints.constraints()
        if not constraints.fid:
            return constraints
        unpatched = self.evaluator.meter.quality(self.reference)
        try:
            return constraints.at(getattr(unpatched, self.config.quality.objective))
        except ValueError as error:
            raise UserError(str(error)) from error

    def heldout(self) -> tuple[Images, QualityMeter]:
        """The unpatched model's held-out images and the meter that compares with them."""
        count = self.config.quality.heldout_images
        images = kept_images(
            self.folder.heldout_images,
            lambda: self.pool.generate(None, range(count), heldout=True),
        )
        return images, QualityMeter(self.network, self.real, images, self.config.model.device)

    def time_together(self, schedules: Sequence[Schedule]) -> Compared:
        """End-to-end times of schedules, interleaved with the unpatched pipeline."""
        timer = loop_timer(self.generator)
        return time_together(timer, schedules, self.config.latency.repeats)


@contextmanager
def open_bench(config: Config, folder: StudyFolder, view: View) -> Iterator[Bench]:
    """Load everything; measurements that the folder already holds are read, not repeated."""
    quality = config.quality
    search, heldout = make_workloads(
        config.model.prompts,
        images=quality.images,
        heldout_images=quality.heldout_images,
        seed=config.study.seed,
    )
    model = model_config(config)
    view.stage("loading the model")
    generator = Generator(model, search)
    table = _cost_table(config, folder, generator, view)
    with _pool(config.launcher, generator, heldout) as pool:
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
        network = load_feature_network(quality.features)
        real = _real(config, reference)
        meter = QualityMeter(network, real, reference, model.device)
        yield Bench(
            config=config,
            folder=folder,
            generator=generator,
            pool=pool,
            context=SpaceContext(generator.calls, generator.topology, drift),
            reference=reference,
            evaluator=Evaluator(pool, meter, table, generator.topology, quality),
            network=network,
            real=real,
        )


def model_config(config: Config) -> ModelConfig:
    """The part of the settings that a generator loads."""
    names = (field.name for field in fields(ModelConfig))
    return ModelConfig(**{name: getattr(config.model, name) for name in names})


def _cost_table(config: Config, folder: StudyFolder, generator: Generator, view: View) -> CostTable:
    if folder.cost_table.is_file():
        return CostTable.load(folder.cost_table)
    view.stage("measuring the cost table")
    table = measure(generator, repeats=config.latency.repeats, budget_s=config.latency.budget_s)
    table.save(folder.cost_table)
    return table


def _pool(launcher: LauncherSettings, generator: Generator, heldout: Workload) -> Pool:
    parts = generator.model, generator.workload, heldout
    if launcher.kind == "ray":
        return RayPool(*parts, launcher.workers, launcher.timeout_s, launcher.address)
    workers = launcher.workers or len(os.sched_getaffinity(0))
    alone = workers == 1 and launcher.timeout is None
    if launcher.kind == "serial" or alone:
        return SerialPool(generator, heldout)
    return LocalPool(*parts, workers, launcher.timeout_s)


def _real(config: Config, reference: Images) -> torch.Tensor | None:
    quality = config.quality
    if quality.real == "none":
        return None
    height, width = reference.pixels.shape[-2:]
    seed = REAL_SEED + config.study.seed
    return real_images(quality.real, quality.real_images, seed, (height, width))
