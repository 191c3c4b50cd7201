"""Which errors say that a device's memory, or the machine's, is too small."""

from __future__ import annotations

import torch

MESSAGES = ("not enough memory", "can't allocate memory")
"""What torch's allocator of the CPU says, on different systems, in a plain RuntimeError."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that memory ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in MESSAGES)
