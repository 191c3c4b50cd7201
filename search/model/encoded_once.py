"""Prompts are encoded once, also where a pipeline's own call encodes them.

Every call of a pipeline of any family begins with its text encoder, whose time says nothing of a
schedule and is in both sides of every speed-up. So ``encode_prompt`` answers what it was asked
before with what it gave before, as a user does who passes embeddings on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from torch import Tensor

METHOD = "encode_prompt"
"""Of almost every text-to-image pipeline of diffusers 0.42; one without it encodes in each run."""


class EncodedOnce:
    """What a pipeline made of the prompts of one workload, by what it was asked."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    @contextmanager
    def answering(self, pipe: Any) -> Iterator[None]:
        """Inside the block the pipeline encodes nothing twice; then its method is put back."""
        real, before = getattr(pipe, METHOD, None), vars(pipe).get(METHOD)
        if real is None:
            yield
            return

        @wraps(real)
        def once(*inputs: Any, **keywords: Any) -> Any:
            # Embeddings that come in are prompts that somebody has encoded already.
            if any(isinstance(each, Tensor) for each in (*inputs, *keywords.values())):
                return real(*inputs, **keywords)
            asked = repr((inputs, sorted(keywords.items())))
            if asked not in self._known:
                self._known[asked] = real(*inputs, **keywords)
            return _copied(self._known[asked])

        setattr(pipe, METHOD, once)
        try:
            yield
        finally:
            delattr(pipe, METHOD)
            if before is not None:
                setattr(pipe, METHOD, before)


def _copied(encoded: Any) -> Any:
    """Embeddings in lists and tuples of their own, because some pipelines extend them."""
    if isinstance(encoded, list | tuple):
        return type(encoded)(_copied(each) for each in encoded)
    return encoded.clone() if isinstance(encoded, Tensor) else encoded
