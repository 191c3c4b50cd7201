"""Pipelines of every family that the engine runs: published configurations at reduced width."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import diffusers
import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxTransformer2DModel,
    PixArtTransformer2DModel,
    SD3Transformer2DModel,
)
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

SD3: dict[str, Any] = {
    "sample_size": 16,
    "in_channels": 4,
    "out_channels": 4,
    "num_layers": 6,
    "attention_head_dim": 8,
    "num_attention_heads": 2,
    "joint_attention_dim": WIDTH,
    "caption_projection_dim": 16,
    "pooled_projection_dim": WIDTH,
    "pos_embed_max_size": 24,
}
"""stabilityai/stable-diffusion-3-medium with 24 blocks, 24 heads of 64, and 16 channels."""

FLUX: dict[str, Any] = {
    "in_channels": 16,
    "num_layers": 2,
    "num_single_layers": 4,
    "attention_head_dim": 16,
    "num_attention_heads": 2,
    "joint_attention_dim": WIDTH,
    "pooled_projection_dim": WIDTH,
    "guidance_embeds": True,
    "axes_dims_rope": (4, 6, 6),
}
"""black-forest-labs/FLUX.1-dev with 19 and 38 blocks, 24 heads of 128, and 64 channels."""

SD3_TEXT = tuple(
    f"{part}{number}" for part in ("tokenizer", "text_encoder") for number in ("", "_2", "_3")
)
FLUX_TEXT = SD3_TEXT[:2] + SD3_TEXT[3:5]
EVEN = ((6, 10), (8, 24))
"""Sizes that squares of 2 x 2 latents cover."""


Size = tuple[int, int]
Inputs = Callable[[int, Size, int], dict[str, Any]]
"""Inputs of a pipeline for a batch, a size of latents and a seed; image ``i`` is the same in every
batch."""


@dataclass(frozen=True)
class Family:
    """A pipeline and the inputs of its runs.

    Args:
        pipe: with random weights, and without text encoders and VAE.
        inputs: of a run; latents come out.
        sizes: of latents that the pipeline takes, besides 16 x 16.
    """

    pipe: Any
    inputs: Inputs
    sizes: tuple[Size, ...] = ((9, 13), (8, 24))

    @property
    def denoiser(self) -> Any:
        """The UNet or transformer."""
        return getattr(self.pipe, "unet", None) or self.pipe.transformer

    def generate(
        self, steps: int = 6, batch: int = 1, size: Size = (16, 16), seed: int = 1, **options: Any
    ) -> Tensor:
        """Latents of one run."""
        seeded = {"generator": torch.Generator().manual_seed(7)}
        calls = {"num_inference_steps": steps, "output_type": "latent", "guidance_scale": 3.0}
        inputs = self.inputs(batch, size, seed)
        images: Tensor = self.pipe(**inputs | seeded | calls | options).images
        return images


def each(batch: int, *shape: int, seed: int) -> Tensor:
    """(batch, *shape), where image ``i`` is the same in every batch."""
    return torch.cat([random(1, *shape, seed=100 * seed + image) for image in range(batch)])


def _text(batch: int, size: Size, seed: int) -> dict[str, Any]:
    return {
        "prompt_embeds": each(batch, 5, WIDTH, seed=seed + 2),
        "negative_prompt_embeds": torch.zeros(batch, 5, WIDTH),
    }


def _noise(batch: int, size: Size, seed: int) -> dict[str, Any]:
    return {"latents": noise(batch, size, seed), "height": 8 * size[0], "width": 8 * size[1]}


def _together(*parts: Inputs) -> Inputs:
    def inputs(batch: int, size: Size, seed: int) -> dict[str, Any]:
        return {name: value for part in parts for name, value in part(batch, size, seed).items()}

    return inputs


def _quiet(pipe: Any) -> Any:
    pipe.set_progress_bar_config(disable=True)
    return pipe


def sd15() -> Family:
    return Family(tiny_pipe(), _together(_text, _noise))


def sd21() -> Family:
    sampler = scheduler(prediction_type="v_prediction", steps_offset=1)
    return Family(tiny_pipe(tiny_unet(**SD21), sampler), _together(_text, _noise))


def img2img() -> Family:
    pipe = tiny_pipe(kind=diffusers.StableDiffusionImg2ImgPipeline)

    def picture(batch: int, size: Size, seed: int) -> dict[str, Any]:
        return {"image": noise(batch, size, seed), "strength": 1.0}

    return Family(pipe, _together(_text, picture))


def inpainting() -> Family:
    pipe = tiny_pipe(tiny_unet(**INPAINTING), kind=diffusers.StableDiffusionInpaintPipeline)
    pipe.vae = tiny_vae(latent_channels=4)
    return Family(pipe, _together(_text, _noise, masked))


def masked(batch: int, size: Size, seed: int) -> dict[str, Any]:
    """Pictures to inpaint the middle of."""
    height, width = 8 * size[0], 8 * size[1]
    mask = torch.zeros(batch, 1, height, width)
    mask[..., height // 4 : height // 2, width // 4 : width // 2] = 1
    pictures = each(batch, 3, height, width, seed=seed + 3).clamp(0, 1)
    return {"image": pictures, "mask_image": mask}


def tiny_vae(**config: Any) -> Any:
    """An autoencoder with SD's factor of 8."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return diffusers.AutoencoderKL(
            block_out_channels=(8,) * 4,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            norm_num_groups=4,
            **config,
        ).eval()


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
    return Family(_quiet(pipe), _together(_text, _pooled, _noise))


def _pooled(batch: int, size: Size, seed: int) -> dict[str, Any]:
    return {
        "pooled_prompt_embeds": each(batch, WIDTH, seed=seed + 5),
        "negative_pooled_prompt_embeds": torch.zeros(batch, WIDTH),
    }


def pixart() -> Family:
    pipe = diffusers.PixArtAlphaPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=None,
        transformer=transformer(PixArtTransformer2DModel, PIXART),
        scheduler=DPMSolverMultistepScheduler(beta_start=0.0001, beta_end=0.02),
    )

    def masks(batch: int, size: Size, seed: int) -> dict[str, Any]:
        return {
            "negative_prompt": None,
            "prompt_attention_mask": torch.tensor([[1, 1, 1, 1, 0]] * batch),
            "negative_prompt_attention_mask": torch.ones(batch, 5, dtype=torch.long),
            "use_resolution_binning": False,
        }

    return Family(_quiet(pipe), _together(_text, masks, _noise), EVEN)


def transformer(kind: Any, config: dict[str, Any], seed: int = 9) -> Any:
    """A diffusion transformer with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = kind(**config).eval().requires_grad_(False)
        for weight in made.parameters():
            # As they are drawn, blocks change their streams by little.
            weight.mul_(2)
        return made


def sd3(kind: Any = diffusers.StableDiffusion3Pipeline, **config: Any) -> Family:
    pipe = kind(
        **dict.fromkeys(SD3_TEXT),
        vae=None,
        transformer=transformer(SD3Transformer2DModel, SD3 | config),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
    )
    return Family(_quiet(pipe), _together(_text, _pooled, _noise), EVEN)


def sd35_medium() -> Family:
    return sd3(dual_attention_layers=(0, 1, 2), qk_norm="rms_norm")


def flux(kind: Any = diffusers.FluxPipeline, parts: Any = None, **config: Any) -> Family:
    pipe = kind(
        **dict.fromkeys(FLUX_TEXT),
        vae=None,
        transformer=transformer(FluxTransformer2DModel, FLUX | config),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        **parts or {},
    )
    return Family(_quiet(pipe), packed, EVEN)


def packed(batch: int, size: Size, seed: int) -> dict[str, Any]:
    """Inputs of FLUX pipelines; a token is a square of 2 x 2 latents of 4 channels."""
    given = _text(batch, size, seed) | _pooled(batch, size, seed) | _noise(batch, size, seed)
    tokens = size[0] // 2 * (size[1] // 2)
    given["latents"] = each(batch, tokens, 16, seed=seed + 6)
    return {name: value for name, value in given.items() if not name.startswith("negative")}


def schnell() -> Family:
    return flux(guidance_embeds=False)


FAMILIES: dict[str, Callable[[], Family]] = {
    "sd15": sd15,
    "sd21": sd21,
    "img2img": img2img,
    "inpainting": inpainting,
    "sdxl": sdxl,
    "pixart": pixart,
    "sd3": sd3,
    "sd35-medium": sd35_medium,
    "flux-dev": flux,
    "flux-schnell": schnell,
}
