"""Prompts of a study: one set for the search, another for audits, which the search never sees."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

from search.model.prompt_sources import EMBEDDED, read_prompts, require_two
from search.model.workload import Workload
from search.pocket.captions import Split, sample_scenes

SEARCH_SEED, HELDOUT_SEED = 1_000_000, 2_000_000
"""Offsets that give the two sets different noise. Their captions differ by their split."""


def make_workloads(
    source: str, *, images: int, heldout_images: int, seed: int, heldout_seed: int | None = None
) -> tuple[Workload, Workload]:
    """The search workload and the held-out workload.

    Args:
        source: ``"pocket"`` for captions of the embedded models' grammar, else what
            :func:`~search.model.prompt_sources.read_prompts` reads. A set with fewer prompts than
            images repeats them, each time with other noise.
        images: entries of the search workload; ``heldout_images``: of the held-out one.
        seed: the study's seed, which chooses and orders the prompts.
        heldout_seed: another seed for the held-out noise, and for the embedded models' captions.

    Raises:
        UserError: the source cannot be read or holds fewer than two prompts.
    """
    apart = HELDOUT_SEED + (seed if heldout_seed is None else heldout_seed)
    if source == EMBEDDED:
        search = _captions(images, SEARCH_SEED + seed, "search")
        heldout = _captions(heldout_images, apart, "held_out")
    else:
        search, heldout = divide(read_prompts(source), images, seed, source)
    return (
        Workload(_cycle(search, images), SEARCH_SEED + seed),
        Workload(_cycle(heldout, heldout_images), apart),
    )


def divide(
    prompts: Sequence[str], images: int, seed: int, source: str
) -> tuple[list[str], list[str]]:
    """Some of the prompts for the search, and all others for audits.

    The search takes as many as it has images, at most half. The sets come from the two ends of one
    shuffle, so that a set for more images holds the set for fewer.

    Raises:
        UserError: there are fewer than two different prompts.
    """
    different = list(dict.fromkeys(prompts))
    require_two(source, different)
    random.Random(seed).shuffle(different)
    count = min(images, len(different) // 2)
    return different[:count], different[count:][::-1]


def _captions(count: int, seed: int, split: Split) -> list[str]:
    return [scene.caption for scene in sample_scenes(count, seed, split)]


def _cycle(prompts: Sequence[str], count: int) -> tuple[str, ...]:
    return tuple(itertools.islice(itertools.cycle(prompts), count))
