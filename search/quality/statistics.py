"""Statistics of real images, and their ``.npz`` files in the layouts of other FID tools."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from search.quality.frechet import Moments
from search.quality.statistics_file import read_statistics

KEPT = 5_000
"""Rows of features that are kept beside the moments, for KID. It is unbiased for any number, and
this many fit into memory."""


@dataclass(frozen=True)
class Statistics:
    """Statistics of the real images.

    Args:
        moments: of all their features.
        features: of the first :data:`KEPT` images, (images, features); ``None`` if only the
            moments are known.
    """

    moments: Moments
    features: Tensor | None = None

    @classmethod
    def of(cls, batches: Iterable[Tensor]) -> Statistics:
        """Statistics of all rows of the batches, (rows, features) each. One batch is held at a
        time."""
        kept: list[Tensor] = []

        def passed() -> Iterator[Tensor]:
            for batch in batches:
                kept.append(batch[: KEPT - sum(map(len, kept))])
                yield batch

        moments = Moments.of(passed())
        return cls(moments, torch.cat(kept))


def load_statistics(path: Path) -> Statistics:
    """Statistics from a file, see :func:`search.quality.statistics_file.read_statistics`.

    Raises:
        UserError: the file cannot be read, or holds something else.
    """
    stored = read_statistics(path)
    features = None if stored.feats is None else torch.from_numpy(stored.feats)
    if stored.mu is not None and stored.sigma is not None:
        moments = Moments(torch.from_numpy(stored.mu), torch.from_numpy(stored.sigma))
    else:
        assert features is not None, "a file without moments has features"
        moments = Moments.of([features])
    return Statistics(moments, None if features is None else features[:KEPT].float())


def save_statistics(path: Path, statistics: Statistics) -> None:
    """Write the moments in pytorch-fid's layout and the kept features in clean-fid's, whole or not
    at all."""
    moments, features = statistics.moments, statistics.features
    arrays = {"mu": moments.mean, "sigma": moments.covariance}
    if features is not None:
        arrays["feats"] = features
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **{key: value.numpy() for key, value in arrays.items()})
    os.replace(temporary, path)
