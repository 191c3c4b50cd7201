"""Matches every other token with the base token that it resembles most.

:func:`closest` runs on every device and is the oracle of the Triton kernel
(``dato.tokens.matching_triton``), which :func:`match` uses instead for CUDA tensors.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

Matcher = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

_CHUNK = 1 << 24
"""Similarities held at once for each image: fixed, so that no image depends on its batch."""

_TINY = 1e-12
"""Smallest length that a token is divided by, as in ``torch.nn.functional.normalize``."""


def closest(tokens: Tensor, base: Tensor) -> tuple[Tensor, Tensor]:
    """The base token with the largest cosine to each token; the first of equals.

    Never holds more than a bounded number of similarities.

    Args:
        tokens: (images, others, channels), floating point.
        base: (images, bases, channels), of the same type.

    Returns:
        The cosine, float32, and the place in ``base``, int64; both (images, others).
    """
    target = torch.nn.functional.normalize(base, dim=2, eps=_TINY).transpose(1, 2)
    rows = max(1, _CHUNK // base.shape[1])
    parts = [(part @ target).max(2) for part in tokens.split(rows, 1)]
    length = torch.linalg.vector_norm(tokens, dim=2, dtype=torch.float32).clamp_min(_TINY)
    cosine = torch.cat([part.values for part in parts], 1) / length
    return cosine, torch.cat([part.indices for part in parts], 1)


def match(tokens: Tensor, base: Tensor) -> tuple[Tensor, Tensor]:
    """Like :func:`closest`, by the Triton kernel where there is one for the tensors' device."""
    global _kernel
    if _kernel is None or not tokens.is_cuda:
        return closest(tokens, base)
    if torch.compiler.is_compiling():  # the kernel ran in the eager first call of this kind
        return _kernel(tokens, base)
    try:
        return _kernel(tokens, base)
    except Exception as error:  # no C compiler, no Python headers, a GPU that Triton lacks
        warnings.warn(f"Tokens are matched without Triton: {error}", stacklevel=2)
        _kernel = None
        return closest(tokens, base)


@contextmanager
def without_kernel() -> Iterator[None]:
    """Match by :func:`closest` on every device inside the block, to compare the two."""
    global _kernel
    kernel, _kernel = _kernel, None
    try:
        yield
    finally:
        _kernel = kernel


def _load() -> Matcher | None:
    if torch.version.cuda is None:
        return None
    try:
        fused: Matcher = importlib.import_module("dato.tokens.matching_triton").closest
    except ImportError:
        return None
    return fused


_kernel = _load()
