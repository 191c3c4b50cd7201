"""From latents to pixels, or to the trial's error where they hold no numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from search.model.families import StableDiffusion
from search.model.finite_images import require_finite


@torch.no_grad()
def decoded(pipe: Any, family: StableDiffusion, latents: Tensor) -> Tensor:
    """uint8 pixels on the latents' device: (images, 3, height, width).

    Raises:
        TrialError: what the decoder gave is not finite.
    """
    image = family.decode(pipe, latents)
    require_finite(image)
    return as_pixels(pipe.image_processor.postprocess(image, output_type="pt"))


def as_pixels(image: Tensor) -> Tensor:
    """uint8 of values from 0 to 1."""
    return image.float().mul(255).round().to(torch.uint8).contiguous()
