"""Statistics of real images as other FID tools write them, checked whole and read without torch."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import UserError
from search.records.reading import HUGE, check_file

Array = NDArray[np.float64]

SUFFIX = ".npz"
NAMES = ("mu", "sigma", "feats")
REMEDY = "Give an .npz file with mu and sigma, as pytorch-fid and clean-fid write it."

ROUNDING = 10.0
"""How many roundings of its largest entries a covariance may be off."""


@dataclass(frozen=True)
class StoredStatistics:
    """The content of a file.

    Args:
        mu: (n,); ``sigma``: (n, n), symmetric and positive semi-definite within rounding. Neither
            is there in a file of features alone.
        feats: (images, n), at least two images; ``None`` if the file has none.
    """

    mu: Array | None
    sigma: Array | None
    feats: Array | None


def read_statistics(path: Path) -> StoredStatistics:
    """A file of pytorch-fid's or clean-fid's: ``mu`` and ``sigma``, ``feats``, or all of them.

    Raises:
        UserError: the file cannot be read, or holds something else.
    """
    arrays = _arrays(path)
    try:
        return _checked(arrays)
    except ValueError as error:
        raise UserError(f"quality.real={str(path)!r} {error}") from error


def _arrays(path: Path) -> Mapping[str, NDArray[Any]]:
    check_file(path, REMEDY, HUGE)
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in NAMES if name in stored.files}
    except (
        OSError, ValueError, TypeError, AttributeError, EOFError, KeyError, RuntimeError,
        MemoryError, zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        reason = str(error) or type(error).__name__
        raise UserError(f"Cannot read quality.real={str(path)!r} ({reason}). {REMEDY}") from error


def _checked(arrays: Mapping[str, NDArray[Any]]) -> StoredStatistics:
    for name, array in arrays.items():
        if array.dtype.kind not in "fiu":
            raise ValueError(f"has {name} of {array.dtype}, which are no real numbers. {REMEDY}")
        if not np.isfinite(array).all():
            raise ValueError(
                f"has NaN or infinity in {name}. Write it again, from images whose features are "
                "numbers."
            )
    feats = arrays.get("feats")
    if feats is not None and (feats.ndim != 2 or len(feats) < 2 or not feats.shape[1]):
        feats = None
    if {"mu", "sigma"} <= set(arrays):
        mu, sigma = arrays["mu"], arrays["sigma"]
        _check_moments(mu, sigma)
        if feats is not None and feats.shape[1] != len(mu):
            raise ValueError(
                f"has mu of {len(mu)} numbers and feats of {feats.shape[1]}. Write it again."
            )
        return StoredStatistics(_float(mu), _float(sigma), None if feats is None else _float(feats))
    if feats is None:
        raise ValueError(
            "holds neither mu and sigma nor feats of two images. Give statistics that pytorch-fid "
            "or clean-fid wrote."
        )
    return StoredStatistics(None, None, _float(feats))


def _check_moments(mu: NDArray[Any], sigma: NDArray[Any]) -> None:
    size = mu.size
    if not size or mu.shape != (size,) or sigma.shape != (size, size):
        raise ValueError(
            f"has mu of shape {mu.shape} and sigma of shape {sigma.shape}, not (n,) and (n, n). "
            "Write it again."
        )
    # Many tools compute in float32 and store what they get as float64.
    stored = np.finfo(sigma.dtype).eps if sigma.dtype.kind == "f" else 0.0
    slack = ROUNDING * max(stored, np.finfo(np.float32).eps) * np.linalg.norm(_float(sigma))
    skew = np.abs(_float(sigma) - _float(sigma).T).max()
    if skew > slack:
        raise ValueError(
            f"has a sigma that is not symmetric (entries differ by {skew:.3g} from their mirror "
            "images), so it is no covariance. Write it again."
        )
    lowest = np.linalg.eigvalsh(_float(sigma))[0]
    if lowest < -slack:
        raise ValueError(
            f"has a sigma with the eigenvalue {lowest:.3g}, so it is no covariance, which has none "
            "below zero. Write it again."
        )


def _float(array: NDArray[Any]) -> Array:
    return np.asarray(array, dtype=np.float64)
