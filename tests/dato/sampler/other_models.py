"""Pipelines of families that the engine has no adapter for: tiny, with random weights."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import diffusers
import torch
from diffusers import CogVideoXDDIMScheduler, FlowMatchEulerDiscreteScheduler
from torch import Tensor

from tests.dato.models import SDXL, transformer
from tests.dato.tiny import BETAS, random, tiny_unet

WIDTH = 16
"""Channels of the text embedding."""


@dataclass(frozen=True)
class Other:
    """A pipeline and the arguments of its call.

    Args:
        pipe: without text encoders and autoencoder.
        inputs: of a call; latents come out.
        forwards: of the denoiser at each timestep.
        linear: whether its guidance is a weighted sum of what these compute.
    """

    pipe: Any
    inputs: Mapping[str, Any] = field(default_factory=dict)
    forwards: int = 1
    linear: bool = True

    @property
    def denoiser(self) -> Any:
        return getattr(self.pipe, "transformer", None) or self.pipe.unet

    def generate(self, steps: int, **options: Any) -> Tensor:
        """Latents, or what a video pipeline calls frames."""
        seeded = {"generator": torch.Generator().manual_seed(3), "return_dict": False}
        calls = {"num_inference_steps": steps, "output_type": "latent"}
        result = self.pipe(**{**self.inputs, **seeded, **calls, **options})[0]
        return torch.stack(list(result)) if isinstance(result, list) else result


def _pipe(kind: Any, *parts: str, **given: Any) -> Any:
    """A pipeline in which ``parts`` are missing."""
    pipe = kind(**dict.fromkeys(("vae", "text_encoder", "tokenizer", *parts)), **given)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _flow(**config: Any) -> Any:
    return FlowMatchEulerDiscreteScheduler(shift=3.0, **config)


def _text(width: int = WIDTH, tokens: int = 5) -> dict[str, Tensor]:
    return {
        "prompt_embeds": random(1, tokens, width, seed=11),
        "negative_prompt_embeds": random(1, tokens, width, seed=12),
    }


def _masks(tokens: int = 5, dtype: torch.dtype = torch.long) -> dict[str, Tensor]:
    return {
        "prompt_attention_mask": torch.ones(1, tokens, dtype=dtype),
        "negative_prompt_attention_mask": torch.ones(1, tokens, dtype=dtype),
    }


SQUARE = {"height": 64, "width": 64}
FILM = SQUARE | {"num_frames": 9}


def qwen_image() -> Other:
    config = {
        "in_channels": 16,
        "out_channels": 4,
        "num_layers": 2,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "joint_attention_dim": WIDTH,
        "axes_dims_rope": (8, 4, 4),
    }
    pipe = _pipe(
        diffusers.QwenImagePipeline,
        transformer=transformer(diffusers.QwenImageTransformer2DModel, config),
        scheduler=_flow(use_dynamic_shifting=True),
    )
    masks = {
        "prompt_embeds_mask": torch.ones(1, 5, dtype=torch.long),
        "negative_prompt_embeds_mask": torch.ones(1, 5, dtype=torch.long),
    }
    inputs = _text() | masks | SQUARE | {"true_cfg_scale": 3.0}
    return Other(pipe, inputs, forwards=2, linear=False)


def z_image() -> Other:
    config = {
        "in_channels": 16,
        "dim": 32,
        "n_layers": 2,
        "n_refiner_layers": 1,
        "n_heads": 2,
        "n_kv_heads": 2,
        "cap_feat_dim": WIDTH,
        "axes_dims": [8, 4, 4],
        "axes_lens": [64, 32, 32],
    }
    pipe = _pipe(
        diffusers.ZImagePipeline,
        transformer=transformer(diffusers.ZImageTransformer2DModel, config),
        scheduler=_flow(use_dynamic_shifting=True),
    )
    text = {name: [value[0]] for name, value in _text().items()}
    return Other(pipe, text | SQUARE | {"guidance_scale": 3.0})


def sana() -> Other:
    config = {
        "patch_size": 1,
        "in_channels": 4,
        "out_channels": 4,
        "num_layers": 1,
        "num_attention_heads": 2,
        "attention_head_dim": 4,
        "num_cross_attention_heads": 2,
        "cross_attention_head_dim": 4,
        "cross_attention_dim": 8,
        "caption_channels": WIDTH,
        "sample_size": 8,
    }
    pipe = _pipe(
        diffusers.SanaPipeline,
        transformer=transformer(diffusers.SanaTransformer2DModel, config),
        scheduler=diffusers.DPMSolverMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
    )
    size = {"height": 256, "width": 256, "use_resolution_binning": False}
    return Other(pipe, _text() | _masks() | size | {"negative_prompt": None})


def lumina2() -> Other:
    config = {
        "sample_size": 4,
        "in_channels": 4,
        "hidden_size": 24,
        "num_layers": 2,
        "num_refiner_layers": 1,
        "num_attention_heads": 3,
        "num_kv_heads": 1,
        "multiple_of": 2,
        "axes_dim_rope": (4, 2, 2),
        "axes_lens": (128, 128, 128),
        "cap_feat_dim": WIDTH,
    }
    pipe = _pipe(
        diffusers.Lumina2Pipeline,
        transformer=transformer(diffusers.Lumina2Transformer2DModel, config),
        scheduler=_flow(use_dynamic_shifting=True),
    )
    return Other(pipe, _text() | _masks(dtype=torch.bool) | SQUARE, forwards=2, linear=False)


def aura_flow() -> Other:
    config = {
        "sample_size": 32,
        "in_channels": 4,
        "num_mmdit_layers": 1,
        "num_single_dit_layers": 1,
        "attention_head_dim": 8,
        "num_attention_heads": 4,
        "joint_attention_dim": WIDTH,
        "caption_projection_dim": 32,
        "pos_embed_max_size": 64,
    }
    pipe = _pipe(
        diffusers.AuraFlowPipeline,
        transformer=transformer(diffusers.AuraFlowTransformer2DModel, config),
        scheduler=_flow(),
    )
    return Other(pipe, _text() | _masks() | SQUARE)


def hunyuan_dit() -> Other:
    config = {
        "sample_size": 16,
        "num_layers": 2,
        "patch_size": 2,
        "attention_head_dim": 8,
        "num_attention_heads": 3,
        "in_channels": 4,
        "cross_attention_dim": WIDTH,
        "cross_attention_dim_t5": WIDTH,
        "pooled_projection_dim": 16,
        "hidden_size": 24,
        "activation_fn": "gelu-approximate",
        "text_len": 5,
        "text_len_t5": 5,
    }
    pipe = _pipe(
        diffusers.HunyuanDiTPipeline,
        "text_encoder_2",
        "tokenizer_2",
        "safety_checker",
        "feature_extractor",
        requires_safety_checker=False,
        transformer=transformer(diffusers.HunyuanDiT2DModel, config),
        scheduler=diffusers.DPMSolverMultistepScheduler(**BETAS, prediction_type="v_prediction"),
    )
    second = {f"{name}_2": value for name, value in (_text() | _masks()).items()}
    size = SQUARE | {"use_resolution_binning": False}
    return Other(pipe, _text() | _masks() | second | size)


def mochi() -> Other:
    config = {
        "patch_size": 2,
        "num_attention_heads": 2,
        "attention_head_dim": 8,
        "num_layers": 2,
        "pooled_projection_dim": 16,
        "in_channels": 4,
        "text_embed_dim": WIDTH,
        "time_embed_dim": 4,
        "max_sequence_length": 16,
    }
    pipe = _pipe(
        diffusers.MochiPipeline,
        transformer=transformer(diffusers.MochiTransformer3DModel, config),
        scheduler=_flow(),
    )
    return Other(pipe, _text() | _masks(dtype=torch.bool) | FILM)


def kolors() -> Other:
    """SDXL's UNet behind another text encoder; ``diffusers`` shows the class only where there is
    the package of its tokenizer, which embeddings do not need."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its text encoder is a torch script
        from diffusers.pipelines.kolors.pipeline_kolors import KolorsPipeline
    unet = SDXL | {"encoder_hid_dim": WIDTH, "encoder_hid_dim_type": "text_proj"}
    unet["projection_class_embeddings_input_dim"] = 6 * 4 + WIDTH
    pipe = _pipe(
        KolorsPipeline,
        unet=tiny_unet(**unet),
        scheduler=diffusers.EulerDiscreteScheduler(**BETAS, timestep_spacing="leading"),
    )
    pooled = {
        "pooled_prompt_embeds": random(1, WIDTH, seed=13),
        "negative_pooled_prompt_embeds": random(1, WIDTH, seed=14),
    }
    return Other(pipe, _text() | pooled | {"height": 128, "width": 128})


def cogview4() -> Other:
    config = {
        "in_channels": 4,
        "out_channels": 4,
        "num_layers": 2,
        "attention_head_dim": 4,
        "num_attention_heads": 4,
        "text_embed_dim": WIDTH,
        "time_embed_dim": 8,
        "condition_dim": 4,
    }
    pipe = _pipe(
        diffusers.CogView4Pipeline,
        transformer=transformer(diffusers.CogView4Transformer2DModel, config),
        scheduler=FlowMatchEulerDiscreteScheduler(
            base_shift=0.25, max_shift=0.75, use_dynamic_shifting=True, time_shift_type="linear"
        ),
    )
    return Other(pipe, _text(tokens=16) | SQUARE, forwards=2)


def chroma() -> Other:
    config = {
        "in_channels": 16,
        "num_layers": 1,
        "num_single_layers": 1,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "joint_attention_dim": WIDTH,
        "axes_dims_rope": (4, 4, 8),
        "approximator_hidden_dim": 32,
        "approximator_layers": 1,
        "approximator_num_channels": 16,
    }
    pipe = _pipe(
        diffusers.ChromaPipeline,
        transformer=transformer(diffusers.ChromaTransformer2DModel, config),
        scheduler=_flow(),
    )
    return Other(pipe, _text() | _masks(dtype=torch.float32) | SQUARE, forwards=2)


def wan() -> Other:
    config = {
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "in_channels": 4,
        "out_channels": 4,
        "text_dim": WIDTH,
        "freq_dim": 16,
        "ffn_dim": 32,
        "num_layers": 2,
        "rope_max_seq_len": 32,
    }
    pipe = _pipe(
        diffusers.WanPipeline,
        transformer=transformer(diffusers.WanTransformer3DModel, config),
        scheduler=diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
    )
    return Other(pipe, _text() | FILM, forwards=2)


def ltx() -> Other:
    config = {
        "in_channels": 8,
        "out_channels": 8,
        "num_attention_heads": 2,
        "attention_head_dim": 16,
        "cross_attention_dim": 32,
        "num_layers": 1,
        "caption_channels": WIDTH,
    }
    pipe = _pipe(
        diffusers.LTXPipeline,
        transformer=transformer(diffusers.LTXVideoTransformer3DModel, config),
        scheduler=_flow(),
    )
    return Other(pipe, _text() | _masks() | FILM)


def cogvideox() -> Other:
    config = {
        "num_attention_heads": 2,
        "attention_head_dim": 16,
        "in_channels": 4,
        "out_channels": 4,
        "time_embed_dim": 2,
        "text_embed_dim": WIDTH,
        "num_layers": 2,
        "sample_width": 8,
        "sample_height": 8,
        "sample_frames": 9,
        "max_text_seq_length": 5,
    }
    pipe = _pipe(
        diffusers.CogVideoXPipeline,
        transformer=transformer(diffusers.CogVideoXTransformer3DModel, config),
        scheduler=CogVideoXDDIMScheduler(
            clip_sample=False, prediction_type="v_prediction", timestep_spacing="trailing"
        ),
    )
    return Other(pipe, _text() | FILM)


OTHERS: dict[str, Callable[[], Other]] = {
    "qwen-image": qwen_image,
    "z-image": z_image,
    "sana": sana,
    "lumina2": lumina2,
    "auraflow": aura_flow,
    "hunyuan-dit": hunyuan_dit,
    "kolors": kolors,
    "cogview4": cogview4,
    "chroma": chroma,
    "wan": wan,
    "ltx": ltx,
    "mochi": mochi,
    "cogvideox": cogvideox,
}
