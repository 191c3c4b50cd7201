"""Pipelines of every family that the engine runs: published configurations at reduced width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import diffusers
import torch
from diffusers import DPMSolverMultistepScheduler, PixArtTransformer2DModel
from torch import Tensor

from tests.dato.tiny import WIDTH, noise, random, scheduler, tiny_pipe, tiny_unet

SD21: dict[str, Any] = {
    "use_linear_projection": True,
    "attention_head_dim": (1, 2, 4, 4),
    "dual_cross_attention": False,
}
"""What sets stabilityai/stable-diffusion-2-1 apart from 1.5: linear projections, more heads."""

INPAINTING: dict[str, Any] = {"in_channels": 9}

SDXL: dict[str, Any] = {
    "block_out_channels": (8, 16, 32),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (1, 2, 4),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 4,
    "projection_class_embeddings_input_dim": 6 * 4 + WIDTH,
}
"""stabilityai/stable-diffusion-xl-base-1.0 with widths (320, 640, 1280) and heads (5, 10, 20)."""

PIXART: dict[str, Any] = {
    "num_attention_heads": 2,
    "attention_head_dim": 8,
    "num_layers": 7,
    "cross_attention_dim": 16,
    "sample_size": 16,
    "caption_channels": WIDTH,
    "interpolation_scale": 1,
}
"""PixArt-alpha/PixArt-XL-2-512x512 with 16 heads of 72 and 28 blocks."""


@dataclass(frozen=True)
class Family:
    """A pipeline and the inputs of a run.

    Args:
        pipe: with random weights, and without text encoders and VAE.
        inputs: of one image; latents come out.
    """

    pipe: Any
    inputs: dict[str, Any]

    def generate(self, steps: int = 6, **options: Any) -> Tensor:
        """Latents of one run."""
        seeded = {"generator": torch.Generator().manual_seed(7)}
        calls = {"num_inference_steps": steps, "output_type": "latent", "guidance_scale": 3.0}
        images: Tensor = self.pipe(**self.inputs | seeded | calls | options).images
        return images


def _text(batch: int = 1) -> dict[str, Tensor]:
    return {
        "prompt_embeds": random(batch, 5, WIDTH, seed=3),
        "negative_prompt_embeds": torch.zeros(batch, 5, WIDTH),
    }


def _square(batch: int = 1) -> dict[str, Any]:
    return {"latents": noise(batch), "height": 128, "width": 128}


def sd15() -> Family:
    return Family(tiny_pipe(), _text() | _square())


def sd21() -> Family:
    sampler = scheduler(prediction_type="v_prediction", steps_offset=1)
    return Family(tiny_pipe(tiny_unet(**SD21), sampler), _text() | _square())


def img2img() -> Family:
    pipe = tiny_pipe(kind=diffusers.StableDiffusionImg2ImgPipeline)
    return Family(pipe, _text() | {"image": noise(1), "strength": 1.0})


def inpainting() -> Family:
    pipe = tiny_pipe(tiny_unet(**INPAINTING), kind=diffusers.StableDiffusionInpaintPipeline)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        pipe.vae = diffusers.AutoencoderKL(
            block_out_channels=(8,) * 4,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            norm_num_groups=4,
        ).eval()
    mask = torch.zeros(1, 1, 128, 128)
    mask[..., 32:96, 32:96] = 1
    pictures = {"image": random(1, 3, 128, 128, seed=4).clamp(0, 1), "mask_image": mask}
    return Family(pipe, _text() | _square() | pictures)


def sdxl() -> Family:
    pipe = diffusers.StableDiffusionXLPipeline(
        vae=None,
        text_encoder=None,
        text_encoder_2=None,
        tokenizer=None,
        tokenizer_2=None,
        unet=tiny_unet(**SDXL),
        scheduler=diffusers.EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
        ),
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    pooled = {
        "pooled_prompt_embeds": random(1, WIDTH, seed=6),
        "negative_pooled_prompt_embeds": torch.zeros(1, WIDTH),
    }
    return Family(pipe, _text() | pooled | _square())


def pixart() -> Family:
    with torch.random.fork_rng():
        torch.manual_seed(9)
        transformer = PixArtTransformer2DModel(**PIXART).eval().requires_grad_(False)
    pipe = diffusers.PixArtAlphaPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=None,
        transformer=transformer,
        scheduler=DPMSolverMultistepScheduler(beta_start=0.0001, beta_end=0.02),
    )
    pipe.set_progress_bar_config(disable=True)
    text: dict[str, Any] = _text() | {
        "negative_prompt": None,
        "prompt_attention_mask": torch.tensor([[1, 1, 1, 1, 0]]),
        "negative_prompt_attention_mask": torch.ones(1, 5, dtype=torch.long),
        "use_resolution_binning": False,
    }
    return Family(pipe, text | _square())


FAMILIES = {
    "sd15": sd15,
    "sd21": sd21,
    "img2img": img2img,
    "inpainting": inpainting,
    "sdxl": sdxl,
    "pixart": pixart,
}
