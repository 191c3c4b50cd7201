"""How many calls of the denoiser some work took."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from search.model.generator import Generator


class Count:
    """Calls of the denoiser for one image, in ``calls``: a guided one takes two rows."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self.calls = 0.0

    def add(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Count a call by the batch of its sample, the first tensor that has more than a
        dimension."""
        tensors = (each for each in (*args, *kwargs.values()) if isinstance(each, torch.Tensor))
        sample = next(each for each in tensors if each.ndim > 1)
        self.calls += len(sample) / self._rows


@contextmanager
def counted(generator: Generator) -> Iterator[Count]:
    """Count the calls that the denoiser computes inside the block."""
    denoiser, count = generator.denoiser, Count(2 if generator.guided else 1)
    before, forward = vars(denoiser).get("forward"), denoiser.forward

    def counting(*args: Any, **kwargs: Any) -> Any:
        count.add(args, kwargs)
        return forward(*args, **kwargs)

    denoiser.forward = counting
    try:
        yield count
    finally:
        if before is None:
            del denoiser.forward
        else:
            denoiser.forward = before
