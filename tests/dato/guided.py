"""The embedded model as a function of latents and a timestep, as any runtime would call it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

PROMPT = "a red circle left of a blue square on a white background"
SCALE = 2.0


class Guided:
    """What classifier-free guidance makes of a UNet's two outputs.

    Args:
        pipe: a pipeline with a text encoder; its UNet may be another callable of the same form.
        unet: takes latents, timesteps and text, all of them twice.
    """

    def __init__(self, pipe: Any, unet: Any = None) -> None:
        self._unet = pipe.unet if unet is None else unet
        text, nothing = pipe.encode_prompt(PROMPT, torch.device("cpu"), 1, True)
        self._text = torch.cat([nothing, text])

    def __call__(self, latents: Tensor, timestep: Tensor | float) -> Tensor:
        """Of latents (1, channels, height, width) at one timestep."""
        at = torch.as_tensor(timestep, dtype=torch.float32).flatten().expand(2)
        with torch.no_grad():
            both = self._unet(torch.cat([latents] * 2), at, self._text, return_dict=False)[0]
        without, given = both.chunk(2)
        guided: Tensor = without + SCALE * (given - without)
        return guided


def by_engine(pipe: Any, noise: Tensor, steps: int) -> Tensor:
    """Latents of the pipeline's own call, from the same noise."""
    latents: Tensor = pipe(
        PROMPT,
        latents=noise,
        num_inference_steps=steps,
        guidance_scale=SCALE,
        output_type="latent",
    ).images
    return latents
