"""What judges the images of trials, and the real ones that they compare with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from search.metrics import FIDS, metric
from search.model.images import Images, first
from search.quality.features import FeatureNetwork
from search.quality.meter import QualityMeter, require_features_of
from search.quality.real_images import real_statistics
from search.quality.scorers import Scorer
from search.quality.statistics import Statistics
from search.settings import Config
from search.study.watching import StageWatcher
from search.workers.open_pool import metric_device

REAL_SEED = 3_000_000
"""Seed offset of the real renders, apart from the prompts' and from training's."""


def trial_meters(
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


def real_images(
    config: Config, network: FeatureNetwork, size: tuple[int, int], watcher: StageWatcher
) -> Statistics | None:
    """Statistics of the real images; ``None`` for a study without any."""
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
