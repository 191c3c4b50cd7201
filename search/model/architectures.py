"""The published architectures, for pipelines without their weights.

The denoiser and the VAE have the published configuration. A text encoder has its published width
but one layer, because it runs once for each prompt and is never timed; its tokenizer reads bytes.

Sources: the ``config.json`` files of stable-diffusion-v1-5/stable-diffusion-v1-5,
stabilityai/stable-diffusion-2-1, stabilityai/stable-diffusion-xl-base-1.0,
PixArt-alpha/PixArt-XL-2-512x512, stabilityai/stable-diffusion-3-medium-diffusers,
stabilityai/stable-diffusion-3.5-medium, stabilityai/stable-diffusion-3.5-large,
black-forest-labs/FLUX.1-dev and black-forest-labs/FLUX.1-schnell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    PixArtAlphaPipeline,
    PixArtTransformer2DModel,
    PNDMScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)

from search.settings.model import ArchitectureName

Config = Mapping[str, Any]

BETAS: Config = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


@dataclass(frozen=True)
class Text:
    """A text encoder.

    Args:
        kind: ``"projected"`` is a CLIP encoder that gives its pooled text in another width.
        width, inner, heads: width, feed-forward width and heads.
    """

    kind: Literal["clip", "projected", "t5"]
    width: int
    inner: int
    heads: int


CLIP, CLIP_L = Text("clip", 768, 3072, 12), Text("projected", 768, 3072, 12)
CLIP_H, CLIP_G = Text("clip", 1024, 4096, 16), Text("projected", 1280, 5120, 20)
T5 = Text("t5", 4096, 10240, 64)


@dataclass(frozen=True)
class Architecture:
    """What a pipeline is built from.

    Args:
        pipeline: its class.
        denoiser, scheduler: the classes of its parts, with their arguments.
        vae: arguments of ``AutoencoderKL`` that differ from SD's.
        text: the text encoders, in the pipeline's order.
        options: further arguments of the pipeline.
    """

    pipeline: type
    denoiser: tuple[type, Config]
    scheduler: tuple[type, Config]
    vae: Config
    text: tuple[Text, ...]
    options: Config


def _checked(requires: bool) -> Config:
    off = {"safety_checker": None, "feature_extractor": None}
    return {**off, "requires_safety_checker": False} if requires else {}


_FLOW_VAE: Config = {
    "latent_channels": 16,
    "use_quant_conv": False,
    "use_post_quant_conv": False,
    "sample_size": 1024,
}


def _sd3(**changes: Any) -> Architecture:
    return Architecture(
        StableDiffusion3Pipeline,
        (
            SD3Transformer2DModel,
            {
                "sample_size": 128,
                "num_layers": 24,
                "num_attention_heads": 24,
                "caption_projection_dim": 1536,
                "joint_attention_dim": 4096,
                "pooled_projection_dim": 2048,
                "pos_embed_max_size": 192,
                **changes,
            },
        ),
        (FlowMatchEulerDiscreteScheduler, {"shift": 3.0}),
        {**_FLOW_VAE, "scaling_factor": 1.5305, "shift_factor": 0.0609},
        (CLIP_L, CLIP_G, T5),
        {},
    )


def _flux(denoiser: Config, **sampling: Any) -> Architecture:
    return Architecture(
        FluxPipeline,
        (
            FluxTransformer2DModel,
            {"joint_attention_dim": 4096, "pooled_projection_dim": 768, **denoiser},
        ),
        (FlowMatchEulerDiscreteScheduler, sampling),
        {**_FLOW_VAE, "scaling_factor": 0.3611, "shift_factor": 0.1159},
        (CLIP, T5),
        {},
    )


PUBLISHED: Mapping[ArchitectureName, Architecture] = {
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
        (CLIP,),
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
        (CLIP_H,),
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
        (CLIP, CLIP_G),
        {"force_zeros_for_empty_prompt": True, "add_watermarker": False},
    ),
    "pixart": Architecture(
        PixArtAlphaPipeline,
        (PixArtTransformer2DModel, {"sample_size": 64, "caption_channels": 4096}),
        (DPMSolverMultistepScheduler, {"beta_start": 0.0001, "beta_end": 0.02}),
        {"scaling_factor": 0.18215, "sample_size": 512},
        (T5,),
        {},
    ),
    "sd3": _sd3(),
    "sd35-medium": _sd3(
        pos_embed_max_size=384, dual_attention_layers=tuple(range(13)), qk_norm="rms_norm"
    ),
    "sd35-large": _sd3(
        num_layers=38, num_attention_heads=38, caption_projection_dim=2432, qk_norm="rms_norm"
    ),
    "flux-dev": _flux({"guidance_embeds": True}, shift=3.0, use_dynamic_shifting=True),
    "flux-schnell": _flux({"guidance_embeds": False}, shift=1.0),
}
