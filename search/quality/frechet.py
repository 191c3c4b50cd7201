"""The Frechet distance of two sets of features, each seen as a Gaussian (arXiv 1706.08500).

Written out because torchmetrics' takes images, not features or stored moments, and a bootstrap
takes hundreds of these distances from features that are embedded once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from search.errors import TrialError


@dataclass(frozen=True)
class Moments:
    """Mean and covariance of features, float64, on the CPU.

    Args:
        mean: (features,); ``covariance``: (features, features), unbiased.
    """

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, batches: Iterable[Tensor]) -> Moments:
        """Moments of all rows of the batches, (rows, features) each. One batch is held at a
        time."""
        count, mean, scatter = 0, torch.zeros(()).double(), torch.zeros(()).double()
        for batch in batches:
            rows = batch.double()
            if not len(rows):
                continue
            _require_finite(rows)
            # Sums of squares about a far origin would cancel; each batch is centred on its own.
            centre = rows.mean(0)
            centred, gap, whole = rows - centre, centre - mean, count + len(rows)
            scatter = scatter + centred.T @ centred
            if count:
                scatter = scatter + torch.outer(gap, gap) * (count * len(rows) / whole)
            mean = mean + gap * (len(rows) / whole)
            count = whole
        if count < 2:
            raise ValueError(f"There are {count} rows, and a covariance takes at least two.")
        return cls(mean, scatter / (count - 1))


def frechet(known: Moments, features: Tensor) -> float:
    """Distance of ``features``, (rows, features), to a known set; never below 0.

    ``|m1 - m2|^2 + tr(C1) + tr(C2) - 2 tr((C1 C2)^(1/2))``. With ``C2 = X^T X`` the last trace is
    the sum of the roots of the eigenvalues of ``X C1 X^T``. This matrix is symmetric and no larger
    than the smaller of rows and features, so no root of a non-symmetric matrix is taken.
    """
    mean, factor = _factored(features)
    inner = torch.linalg.eigvalsh(factor @ known.covariance @ factor.T)
    root = inner.clamp(min=0).sqrt().sum()
    spread = known.covariance.trace() + factor.square().sum()
    return max(float((known.mean - mean).square().sum() + spread - 2 * root), 0.0)


def frechet_between(first: Tensor, second: Tensor) -> float:
    """Distance of two sets of features, (rows, features) each, without their covariances: with
    ``C1 = X^T X`` and ``C2 = Y^T Y`` the trace is the sum of the singular values of ``X Y^T``."""
    (mean, factor), (other_mean, other) = _factored(first), _factored(second)
    root = torch.linalg.svdvals(factor @ other.T).sum()
    spread = factor.square().sum() + other.square().sum()
    return max(float((mean - other_mean).square().sum() + spread - 2 * root), 0.0)


def _factored(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean, and a factor ``X`` of the covariance ``X^T X`` with no more rows than columns."""
    rows = features.double()
    if len(rows) < 2:
        raise ValueError(f"There are {len(rows)} rows, and a covariance takes at least two.")
    _require_finite(rows)
    mean = rows.mean(0)
    factor = (rows - mean) / (len(rows) - 1) ** 0.5
    if len(factor) > factor.shape[1]:
        factor = torch.linalg.qr(factor, mode="r").R
    return mean, factor


def _require_finite(rows: Tensor) -> None:
    """Raise :class:`TrialError` for features that are no numbers: their images cannot be scored."""
    bad = int((~rows.isfinite()).any(1).sum())
    if bad:
        raise TrialError(f"the features of {bad} of {len(rows)} images are not finite")
