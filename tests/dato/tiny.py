"""A Stable Diffusion pipeline with random weights that runs a call in milliseconds."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from torch import Tensor

import dato

WIDTH = 8
"""Channels of the text embedding."""

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def tiny_unet(seed: int = 0, **config: Any) -> Any:
    """SD 1.5's topology, 12 skip branches, in 100,000 parameters, with lively weights."""
    shape: dict[str, Any] = {
        "sample_size": 16,
        "block_out_channels": (8, 16, 16, 16),
        "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        "layers_per_block": 2,
        "cross_attention_dim": WIDTH,
        "attention_head_dim": (1, 2, 2, 2),
        "norm_num_groups": 4,
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return UNet2DConditionModel(**shape | config).eval().requires_grad_(False)


def small_unet() -> Any:
    """Two levels and 4 skip branches: a call takes a quarter of the time."""
    return tiny_unet(
        block_out_channels=(8, 16),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        attention_head_dim=(1, 2),
    )


def scheduler(kind: Any = DDIMScheduler, **config: Any) -> Any:
    """A sampler with Stable Diffusion's noise schedule."""
    extra = {"clip_sample": False} if kind is DDIMScheduler else {}
    return kind(**BETAS, **extra, **config)


def tiny_pipe(unet: Any = None, sampler: Any = None, kind: Any = StableDiffusionPipeline) -> Any:
    """A pipeline without text encoder and VAE: prompts come in, and latents go out, as tensors."""
    if sampler is None:
        sampler = scheduler(steps_offset=1)
    pipe = kind(
        vae=None,
        text_encoder=None,
        tokenizer=None,
        unet=tiny_unet() if unet is None else unet,
        scheduler=sampler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def random(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers that leave the global generator alone."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def prompts(batch: int, seed: int = 1) -> dict[str, Tensor]:
    """Prompt embeddings of ``batch`` images; image ``i`` is the same in every batch."""
    images = [random(1, 5, WIDTH, seed=100 * seed + image) for image in range(batch)]
    return {
        "prompt_embeds": torch.cat(images),
        "negative_prompt_embeds": torch.zeros(batch, 5, WIDTH),
    }


def noise(batch: int, size: tuple[int, int] = (16, 16), seed: int = 2) -> Tensor:
    """Initial latents of ``batch`` images; image ``i`` is the same in every batch."""
    return torch.cat([random(1, 4, *size, seed=100 * seed + image) for image in range(batch)])


def generate(
    pipe: Any,
    steps: int = 6,
    batch: int = 1,
    seed: int = 1,
    size: tuple[int, int] = (16, 16),
    **options: Any,
) -> Tensor:
    """Latents of ``batch`` images, (batch, 4, height, width)."""
    seeded = torch.Generator().manual_seed(seed)  # for the samplers that draw noise of their own
    inputs = {**prompts(batch, seed), "latents": noise(batch, size), "generator": seeded}
    pixels = {"height": 8 * size[0], "width": 8 * size[1]}
    calls = {"num_inference_steps": steps, "guidance_scale": 3.0, "output_type": "latent"}
    images: Tensor = pipe(**inputs | pixels | calls | options).images
    return images


def generated(pipe: Any, schedule: dato.Schedule, **options: Any) -> Tensor:
    """Latents under a schedule that is applied for this one run."""
    with dato.applied(pipe, schedule):
        return generate(pipe, steps=options.pop("steps", schedule.calls), **options)


PRUNE = {"level_0": 0.5, "level_1": 0.5, "level_2": 0.5}
