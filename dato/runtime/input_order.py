"""Which channels of a denoiser's input are the noisy ones: what is held is converted with those."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from dato.errors import UnsupportedError

_LIKE = 0.999
"""Least cosine of the latents and the channels that hold them: a sampler only scales them."""


def check_noisy_first(denoiser: Any, sample: Tensor, latents: Tensor | None) -> None:
    """Refuse an input whose first channels are not the latents; compares them once a run.

    Only an input with more channels than the output holds anything else (a known picture, a mask),
    and pipelines put it first (Marigold) or last (inpainting).

    Args:
        denoiser: a diffusers model with a ``config``.
        sample: (rows, channels, height, width), its input.
        latents: (images, channels, height, width), of the pipeline; None where it does not say.

    Raises:
        UnsupportedError: they are not, or nobody knows.
    """
    channels, made = denoiser.config.in_channels, denoiser.config.out_channels
    if made is None or channels <= made:
        return
    if latents is not None and latents.ndim == sample.ndim:
        first = sample[: len(latents), : latents.shape[1]].flatten().double()
        known = latents.flatten().double()
        if first.shape == known.shape:
            like = (first @ known) / (first.norm() * known.norm())
            if float(like) >= _LIKE:
                return
    raise UnsupportedError(
        f"The denoiser's input has {channels} channels for an output of {made}, and the first "
        "ones are not known to be the noisy latents, with which what is held is converted.",
        remedy='Run it fused without cuts and pruning, or use a schedule with quantity="output".',
    )
