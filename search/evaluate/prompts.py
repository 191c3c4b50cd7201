"""Prompts of a study: one set to search on, another, never seen by the search, to look again."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from search.errors import UserError
from search.evaluate.workload import Workload
from search.pocket.captions import Split, sample_scenes

POCKET = "pocket"
SEARCH_SEED, HELDOUT_SEED = 1_000_000, 2_000_000
"""Offsets that keep the two sets' noise apart; their captions are apart by split."""


def make_workloads(
    source: str, *, images: int, heldout_images: int, seed: int
) -> tuple[Workload, Workload]:
    """The search workload and the held-out workload.

    Args:
        source: ``"pocket"`` for captions of the embedded model's grammar, else a text file with
            one prompt a line, of which every second one is held out. A set that has fewer prompts
            than images repeats them, each time with other noise.
        images: entries of the search workload; ``heldout_images``: of the held-out one.
        seed: the study's seed.

    Raises:
        UserError: the file cannot be read or holds fewer than two prompts.
    """
    search, heldout = (
        (
            _captions(images, SEARCH_SEED + seed, "search"),
            _captions(heldout_images, HELDOUT_SEED + seed, "held_out"),
        )
        if source == POCKET
        else _from_file(Path(source))
    )
    return (
        Workload(_cycle(search, images), SEARCH_SEED + seed),
        Workload(_cycle(heldout, heldout_images), HELDOUT_SEED + seed),
    )


def _captions(count: int, seed: int, split: Split) -> list[str]:
    return [scene.caption for scene in sample_scenes(count, seed, split)]


def _from_file(path: Path) -> tuple[list[str], list[str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"model.prompts={str(path)!r} cannot be read ({error}). "
            "Give a UTF-8 text file with one prompt a line."
        ) from error
    prompts = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if len(prompts) < 2:
        raise UserError(
            f"model.prompts={str(path)!r} holds {len(prompts)} different prompts; at least two "
            "are needed, because every second one is held out from the search."
        )
    return prompts[::2], prompts[1::2]


def _cycle(prompts: Sequence[str], count: int) -> tuple[str, ...]:
    return tuple(itertools.islice(itertools.cycle(prompts), count))
