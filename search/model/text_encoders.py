"""Where text encoders are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from search.model.families import StableDiffusion


@contextmanager
def text_encoders_on(device: torch.device, pipe: Any, family: StableDiffusion) -> Iterator[None]:
    """Text encoders are on the device only while they encode: nothing needs them later."""
    named = (getattr(pipe, name) for name in family.text_encoders)
    encoders = [encoder for encoder in named if encoder is not None]
    for encoder in encoders:
        encoder.to(device)
    try:
        yield
    finally:
        for encoder in encoders:
            encoder.to("cpu")
