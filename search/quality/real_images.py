"""Statistics of the features of real images, with which generated images are compared."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from search.errors import UserError
from search.quality.features import EMBED_BATCH, FeatureNetwork
from search.quality.image_files import (
    content_of,
    holds_statistics,
    image_files,
    opened,
    real_path,
)
from search.quality.picture import as_seen
from search.quality.statistics import Statistics, load_statistics, save_statistics

POCKET = "pocket"

READER = 2
"""Version of how a file becomes a picture. Version 1 did not turn pictures as EXIF data say."""


def real_statistics(
    source: str,
    network: FeatureNetwork,
    *,
    count: int,
    seed: int,
    size: tuple[int, int],
    device: str = "cpu",
) -> Statistics:
    """Statistics of the features of real images.

    Args:
        source: ``"pocket"``, which renders scenes; an ``.npz`` file of statistics; or a folder of
            image files, of which the first by name are taken. A folder's statistics are computed
            once and kept for later studies in :func:`statistics_folder`.
        count: how many images; ``seed``: of the scenes. A file of statistics ignores both.
        size: height and width of the generated images.

    Raises:
        UserError: the source is missing or holds too few images.
    """
    if source == POCKET:
        return Statistics.of(network.embed(_renders(count, seed).split(EMBED_BATCH), device))
    path = real_path(source)
    if holds_statistics(path):
        return load_statistics(path)
    files = image_files(path, source, count)
    kept = statistics_folder() / f"{_key(files, network, size)}.npz"
    with suppress(UserError):  # a damaged file in the cache is replaced
        if kept.is_file():
            return load_statistics(kept)
    measured = Statistics.of(network.embed(_batches(files, network, size), device))
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        save_statistics(kept, measured)
    except OSError as error:
        warnings.warn(
            f"Cannot keep the statistics of quality.real in the cache {str(kept.parent)!r} "
            f"({error.strerror}); the next study computes them again. Set XDG_CACHE_HOME to a "
            "folder that can be written.",
            RuntimeWarning,
            stacklevel=2,
        )
    return measured


def statistics_folder() -> Path:
    """``dato/statistics`` below ``XDG_CACHE_HOME``, by default ``~/.cache``."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "dato" / "statistics"


def _renders(count: int, seed: int) -> Tensor:
    from search.pocket.captions import sample_scenes
    from search.pocket.render import render

    return torch.as_tensor(render(sample_scenes(count, seed)))


def _key(files: Sequence[Path], network: FeatureNetwork, size: tuple[int, int]) -> str:
    """A digest of what statistics depend on: the reader, the network, its weights, the size of the
    images, and the content of the files in their order."""
    parts = [READER, network.name, network.digest, _target(network, size), content_of(files)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _target(network: FeatureNetwork, size: tuple[int, int]) -> tuple[int, int]:
    return size if network.square is None else (network.square, network.square)


def _batches(
    files: Sequence[Path], network: FeatureNetwork, size: tuple[int, int]
) -> Iterator[Tensor]:
    crop = network.square is None
    height, width = _target(network, size)
    for start in range(0, len(files), EMBED_BATCH):
        yield torch.stack(
            [_load(path, height, width, crop) for path in files[start : start + EMBED_BATCH]]
        )


def _load(path: Path, height: int, width: int, crop: bool) -> Tensor:
    """One file as (3, height, width), uint8: its centre, or all of it stretched."""
    from PIL import Image, ImageOps

    with opened(path) as image:
        picture = as_seen(image)
        if crop:
            picture = ImageOps.fit(picture, (width, height), Image.Resampling.BICUBIC)
        else:
            picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()
