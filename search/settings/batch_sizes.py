"""The batch sizes that a study may have, and the automatic one on a CPU."""

from __future__ import annotations

import math

from search.settings.config import Config

AUTO = "auto"
"""``model.batch_size=auto``."""

CPU_BATCH = 8
"""Largest automatic batch on a CPU, where a larger one saves nothing and takes memory."""

LARGEST = 64
"""Largest batch that is ever tried."""


def batch_sizes(config: Config) -> tuple[int, ...]:
    """Powers of two that divide every image count of the study, the smallest first."""
    quality = config.quality
    common = math.gcd(quality.images, quality.rung_images, quality.heldout_images)
    sizes = (2**power for power in range(LARGEST.bit_length()))
    return tuple(size for size in sizes if common % size == 0)


def cpu_batch(config: Config) -> int:
    """The largest of :func:`batch_sizes` up to :data:`CPU_BATCH`; nothing is measured."""
    return max(size for size in batch_sizes(config) if size <= CPU_BATCH)
