"""Kernel distances (KID) of sets of features."""

from __future__ import annotations

from torch import Tensor


def kid(first: Tensor, second: Tensor) -> float:
    """Unbiased kernel distance of two independent sets of features, which may be below 0.

    The polynomial kernel of "Demystifying MMD GANs" (Binkowski et al. 2018), over whole sets.
    """
    first, second = first.double(), second.double()
    return _mean_off_diagonal(_kernel(first, first)) + _mean_off_diagonal(
        _kernel(second, second)
    ) - 2 * float(_kernel(first, second).mean())  # fmt: skip


def paired_kid(first: Tensor, second: Tensor) -> float:
    """The same for two sets of images of the same prompts and noise: pairs are left out, because
    they are not independent (Gretton et al. 2012, lemma 6)."""
    first, second = first.double(), second.double()
    kernel = _kernel(first, first) + _kernel(second, second) - 2 * _kernel(first, second)
    return _mean_off_diagonal(kernel)


def _kernel(first: Tensor, second: Tensor) -> Tensor:
    return (first @ second.T / first.shape[1] + 1) ** 3


def _mean_off_diagonal(square: Tensor) -> float:
    count = len(square)
    return float((square.sum() - square.diagonal().sum()) / (count * (count - 1)))
