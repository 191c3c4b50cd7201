"""What the node says. Imports nothing of ComfyUI."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from dato.portable import PortableSampler


def about(sampler: PortableSampler) -> str:
    """What a sampler will do, and for what it was made."""
    levels = [call.sigma for call in sampler.calls]
    speed = (
        "Its speed was not measured"
        if sampler.speedup is None
        else f"Measured {sampler.speedup:.3g} times as fast as the unpatched model"
    )
    return (
        f"{sampler.name}: {len(levels)} computed calls, at noise levels from {levels[0]:.4g} to "
        f"{levels[-1]:.3g}. {speed}; made for {_setting(sampler)}."
    )


def other_settings(
    sampler: PortableSampler, scale: float | None, shape: Sequence[int]
) -> Iterator[str]:
    """A sentence for each setting of a run that is not the preset's.

    Args:
        scale: of the guider; None where it has none.
        shape: of the latents, (batch, channels, height, width) for pictures.
    """
    if scale is not None and not math.isclose(scale, sampler.guidance_scale, rel_tol=1e-6):
        yield f"The guidance scale is {scale:g}; {sampler.name} was made for {_setting(sampler)}."
    size = tuple(shape[2:])
    if len(size) == 2 and size != sampler.latent_size:
        yield f"The latents are {_size(size)}; {sampler.name} was made for {_setting(sampler)}."


def _setting(sampler: PortableSampler) -> str:
    size = _size(sampler.latent_size)
    return (
        f"{sampler.model} at a guidance scale of {sampler.guidance_scale:g} and latents of {size}"
    )


def _size(size: Sequence[int]) -> str:
    return " x ".join(map(str, size))
