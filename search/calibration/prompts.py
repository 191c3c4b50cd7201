"""Prompts that only calibration sees."""

from __future__ import annotations

import itertools

from search.model.prompt_sources import EMBEDDED, read_prompts
from search.model.prompts import divide
from search.model.workload import Workload
from search.pocket.captions import sample_scenes

IMAGES = 4
"""Runs of one calibration. Eight place full calls no better and fit no better weights of cuts, two
place them worse (``python -m experiments.forecast.calibrated``)."""

SEED = 4_000_000
"""Offset of the seed, beside those of the search (1), the audit (2) and the real renders (3)."""


def calibration_workload(source: str, search_images: int, seed: int) -> Workload:
    """What calibration sees; arguments as of :func:`training_workload`."""
    return training_workload(source, search_images, seed, IMAGES, SEED)


def training_workload(
    source: str, search_images: int, seed: int, images: int, offset: int
) -> Workload:
    """Prompts apart from the search's and the audit's, and noise of their own.

    The embedded models' are captions that they were trained on. Of other sources they are those
    that an audit would take last; a source of few prompts shares them with the audit, not the
    noise.

    Args:
        source: see :func:`search.model.prompts.make_workloads`.
        search_images: entries of the search workload, which come first.
        seed: the study's.
        images: how many prompts.
        offset: of the seed of noise and captions, one for each use.

    Raises:
        UserError: the source cannot be read or holds fewer than two prompts.
    """
    if source == EMBEDDED:
        scenes = sample_scenes(images, offset + seed, "training")
        return Workload(tuple(scene.caption for scene in scenes), offset + seed)
    _, heldout = divide(read_prompts(source), search_images, seed, source)
    prompts = itertools.islice(itertools.cycle(heldout[::-1]), images)
    return Workload(tuple(prompts), offset + seed)
