"""The published architectures, for pipelines without their weights.

The denoiser and the VAE have the published configuration. A text encoder has its published width
but one layer, because it runs once for each prompt and is never timed; its tokenizer reads bytes.
``TINY`` reduces widths, never the topology.

Sources: the ``config.json`` files of stable-diffusion-v1-5/stable-diffusion-v1-5,
stabilityai/stable-diffusion-2-1, stabilityai/stable-diffusion-xl-base-1.0 and
PixArt-alpha/PixArt-XL-2-512x512.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    PixArtAlphaPipeline,
    PixArtTransformer2DModel,
    PNDMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)

Name = Literal["sd15", "sd21", "sdxl", "pixart"]
Config = Mapping[str, Any]

BETAS: Config = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


@dataclass(frozen=True)
class Architecture:
    """What a pipeline is built from.

    Args:
        pipeline: its class.
        denoiser, scheduler: the classes of its parts, with their arguments.
        vae: arguments of ``AutoencoderKL`` that differ from SD's.
        text: width, feed-forward width and heads of each text encoder, in the pipeline's order.
        options: further arguments of the pipeline.
    """

    pipeline: type
    denoiser: tuple[type, Config]
    scheduler: tuple[type, Config]
    vae: Config
    text: tuple[tuple[int, int, int], ...]
    options: Config


def _checked(requires: bool) -> Config:
    off = {"safety_checker": None, "feature_extractor": None}
    return {**off, "requires_safety_checker": False} if requires else {}


PUBLISHED: Mapping[Name, Architecture] = {
    "sd15": Architecture(
        StableDiffusionPipeline,
        (
            UNet2DConditionModel,
            {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8},
        ),
        (
            PNDMScheduler,
            {**BETAS, "skip_prk_steps": True, "steps_offset": 1, "set_alpha_to_one": False},
        ),
        {"scaling_factor": 0.18215, "sample_size": 512},
        ((768, 3072, 12),),
        _checked(True),
    ),
    "sd21": Architecture(
        StableDiffusionPipeline,
        (
            UNet2DConditionModel,
            {
                "sample_size": 96,
                "cross_attention_dim": 1024,
                "attention_head_dim": (5, 10, 20, 20),
                "use_linear_projection": True,
            },
        ),
        (
            DDIMScheduler,
            {
                **BETAS,
                "prediction_type": "v_prediction",
                "steps_offset": 1,
                "set_alpha_to_one": False,
                "clip_sample": False,
            },
        ),
        {"scaling_factor": 0.18215, "sample_size": 768},
        ((1024, 4096, 16),),
        _checked(True),
    ),
    "sdxl": Architecture(
        StableDiffusionXLPipeline,
        (
            UNet2DConditionModel,
            {
                "sample_size": 128,
                "block_out_channels": (320, 640, 1280),
                "down_block_types": ("DownBlock2D",) + ("CrossAttnDownBlock2D",) * 2,
                "up_block_types": ("CrossAttnUpBlock2D",) * 2 + ("UpBlock2D",),
                "attention_head_dim": (5, 10, 20),
                "transformer_layers_per_block": (1, 2, 10),
                "cross_attention_dim": 2048,
                "use_linear_projection": True,
                "addition_embed_type": "text_time",
                "addition_time_embed_dim": 256,
                "projection_class_embeddings_input_dim": 2816,
            },
        ),
        (EulerDiscreteScheduler, {**BETAS, "steps_offset": 1, "timestep_spacing": "leading"}),
        {"scaling_factor": 0.13025, "sample_size": 1024},
        ((768, 3072, 12), (1280, 5120, 20)),
        {"force_zeros_for_empty_prompt": True, "add_watermarker": False},
    ),
    "pixart": Architecture(
        PixArtAlphaPipeline,
        (PixArtTransformer2DModel, {"sample_size": 64, "caption_channels": 4096}),
        (DPMSolverMultistepScheduler, {"beta_start": 0.0001, "beta_end": 0.02}),
        {"scaling_factor": 0.18215, "sample_size": 512},
        ((4096, 10240, 64),),
        {},
    ),
}

_NARROW: Config = {"norm_num_groups": 4, "sample_size": 16}
_NARROW_SD: Config = {**_NARROW, "block_out_channels": (8, 16, 16, 16), "cross_attention_dim": 16}
_TINY_DENOISER: Mapping[Name, Config] = {
    "sd15": {**_NARROW_SD, "attention_head_dim": (1, 2, 2, 2)},
    "sd21": {**_NARROW_SD, "attention_head_dim": (1, 2, 4, 4)},
    "sdxl": {
        **_NARROW,
        "block_out_channels": (8, 16, 32),
        "attention_head_dim": (1, 2, 4),
        "cross_attention_dim": 32,
        "addition_time_embed_dim": 4,
        "projection_class_embeddings_input_dim": 6 * 4 + 16,
    },
    "pixart": {
        "sample_size": 16,
        "num_attention_heads": 2,
        "attention_head_dim": 8,
        "num_layers": 7,
        "cross_attention_dim": 16,
        "caption_channels": 16,
    },
}
_TINY_VAE: Config = {"block_out_channels": (8,) * 4, "norm_num_groups": 4, "sample_size": 128}


def _tiny(name: Name) -> Architecture:
    full = PUBLISHED[name]
    kind, config = full.denoiser
    return replace(
        full,
        denoiser=(kind, {**config, **_TINY_DENOISER[name]}),
        vae={**full.vae, **_TINY_VAE},
        text=((16, 32, 2),) * len(full.text),
    )


TINY: Mapping[Name, Architecture] = {name: _tiny(name) for name in PUBLISHED}
