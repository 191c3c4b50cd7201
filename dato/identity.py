"""Which weights a pipeline holds."""

from __future__ import annotations

import hashlib
from typing import Any

import torch

from dato.families import adapter_of


def fingerprint(pipe_or_denoiser: Any) -> str:
    """``"sha256:..."`` over the names, shapes and half-precision values of a denoiser's parameters.

    Values are rounded to float16 first, so that a model has one fingerprint whether it was loaded
    in float16 or in float32.
    """
    digest = hashlib.sha256()
    for name, parameter in sorted(adapter_of(pipe_or_denoiser).denoiser.named_parameters()):
        digest.update(f"{name} {tuple(parameter.shape)}\n".encode())
        half = parameter.detach().to("cpu", torch.float16).contiguous()
        digest.update(half.numpy().tobytes())
    return f"sha256:{digest.hexdigest()}"
