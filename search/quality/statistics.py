"""Statistics of real images, and their ``.npz`` files in the layouts of other FID tools."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from search.errors import UserError
from search.quality.frechet import Moments

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
    """Statistics from a file of pytorch-fid's or clean-fid's: ``mu`` and ``sigma``, ``feats``,
    or all of them.

    Raises:
        UserError: the file cannot be read, or holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            names = [name for name in ("mu", "sigma", "feats") if name in stored.files]
            arrays = {name: torch.from_numpy(stored[name]).double() for name in names}
    except (OSError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(
            f"Cannot read quality.real={str(path)!r} ({error}). Give an .npz file with mu and "
            "sigma, as pytorch-fid and clean-fid write it."
        ) from error
    features = arrays.get("feats")
    if features is not None and (features.ndim != 2 or len(features) < 2):
        features = None
    if {"mu", "sigma"} <= set(arrays):
        moments = Moments(arrays["mu"], arrays["sigma"])
    elif features is not None:
        moments = Moments.of([features])
    else:
        raise UserError(
            f"quality.real={str(path)!r} holds neither mu and sigma nor feats. Give statistics "
            "that pytorch-fid or clean-fid wrote."
        )
    size = moments.mean.numel()
    if moments.mean.shape != (size,) or moments.covariance.shape != (size, size):
        raise UserError(
            f"quality.real={str(path)!r} has mu of shape {tuple(moments.mean.shape)} and sigma of "
            f"shape {tuple(moments.covariance.shape)}, not (n,) and (n, n). Write it again."
        )
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
