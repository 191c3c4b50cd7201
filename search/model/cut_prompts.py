"""Prompts that are longer than CLIP reads: counted, and said once instead of for every batch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from transformers import CLIPTokenizer


def count_cut(pipe: Any, prompts: Sequence[str]) -> int:
    """How many of the prompts the pipeline's CLIP encoders read only the beginning of."""
    tokenizers = [part for part in pipe.components.values() if isinstance(part, CLIPTokenizer)]
    if not tokenizers:
        return 0
    most = min(each.model_max_length for each in tokenizers)
    lengths = [len(ids) for ids in tokenizers[0](list(prompts), verbose=False).input_ids]
    return sum(length > most for length in lengths)


def say_cut(cut: int, prompts: int) -> None:
    """Warn once of ``cut`` of ``prompts``."""
    if cut:
        warnings.warn(
            f"Of {prompts} prompts, {cut} cannot be read whole by CLIP: what is beyond its longest "
            "text changes no image. Shorten them, or leave it at that.",
            stacklevel=2,
        )


@contextmanager
def without_diffusers_saying_so() -> Iterator[None]:
    """Inside the block diffusers does not print the end of each prompt that CLIP does not read."""
    handlers = logging.getLogger("diffusers").handlers
    for handler in handlers:
        handler.addFilter(_is_other)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(_is_other)


def _is_other(record: logging.LogRecord) -> bool:
    return "truncated because CLIP can only handle" not in record.getMessage()
