"""KID, the kernel inception distance, of sets of features.

Written out because torchmetrics' draws random subsets, and has no form for paired images.
"""

from __future__ import annotations

from torch import Tensor


def kid(first: Tensor, second: Tensor) -> float:
    """Unbiased KID of two independent sets of features, which may be below 0.

    With the polynomial kernel of "Demystifying MMD GANs" (Binkowski et al. 2018), over whole sets.
    """
    first, second = first.double(), second.double()
    return _mean_off_diagonal(_similarity(first, first)) + _mean_off_diagonal(
        _similarity(second, second)
    ) - 2 * float(_similarity(first, second).mean())  # fmt: skip


def paired_kid(first: Tensor, second: Tensor) -> float:
    """KID of two sets of images of the same prompts and noise. The terms of a pair are left out,
    because its images are not independent (Gretton et al. 2012, lemma 6)."""
    first, second = first.double(), second.double()
    terms = _similarity(first, first) + _similarity(second, second)
    return _mean_off_diagonal(terms - 2 * _similarity(first, second))


def _similarity(first: Tensor, second: Tensor) -> Tensor:
    return (first @ second.T / first.shape[1] + 1) ** 3


def _mean_off_diagonal(square: Tensor) -> float:
    count = len(square)
    return float((square.sum() - square.diagonal().sum()) / (count * (count - 1)))
