"""The published architectures at reduced width, with fewer of the equal blocks of a transformer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from search.model.architectures import PUBLISHED, Architecture, Config, Text
from search.settings.model import ArchitectureName

_NARROW: Config = {"norm_num_groups": 4, "sample_size": 16}

_NARROW_SD: Config = {**_NARROW, "block_out_channels": (8, 16, 16, 16), "cross_attention_dim": 16}

_NARROW_SD3: Config = {
    "sample_size": 16,
    "num_layers": 8,
    "attention_head_dim": 8,
    "num_attention_heads": 2,
    "caption_projection_dim": 16,
    "joint_attention_dim": 32,
    "pooled_projection_dim": 32,
    "pos_embed_max_size": 24,
}

_NARROW_FLUX: Config = {
    "num_layers": 3,
    "num_single_layers": 5,
    "attention_head_dim": 16,
    "num_attention_heads": 2,
    "joint_attention_dim": 32,
    "pooled_projection_dim": 16,
    "axes_dims_rope": (4, 6, 6),
}

_TINY_DENOISER: Mapping[ArchitectureName, Config] = {
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
        "caption_channels": 32,
    },
    "sd3": _NARROW_SD3,
    "sd35-medium": {**_NARROW_SD3, "dual_attention_layers": (0, 1, 2)},
    "sd35-large": _NARROW_SD3,
    "flux-dev": _NARROW_FLUX,
    "flux-schnell": _NARROW_FLUX,
}

_TINY_VAE: Config = {"block_out_channels": (8,) * 4, "norm_num_groups": 4, "sample_size": 128}

_TINY_TEXT = {"clip": 16, "projected": 16, "t5": 32}
"""Widths."""


def _tiny(name: ArchitectureName) -> Architecture:
    full = PUBLISHED[name]
    kind, config = full.denoiser
    return replace(
        full,
        denoiser=(kind, {**config, **_TINY_DENOISER[name]}),
        vae={**full.vae, **_TINY_VAE},
        text=tuple(Text(each.kind, _TINY_TEXT[each.kind], 32, 2) for each in full.text),
    )


TINY: Mapping[ArchitectureName, Architecture] = {name: _tiny(name) for name in PUBLISHED}
