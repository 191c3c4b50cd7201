"""Pipelines with random weights: for latency work, and for tests of everything but the weights."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

from search.model.architectures import Architecture, Text

SEED = 0


def build(architecture: Architecture, dtype: torch.dtype, device: torch.device) -> Any:
    """A pipeline on ``device`` whose weights depend only on the kind of device.

    The state of the global random generators does not change.
    """
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.device(device):
        torch.manual_seed(SEED)
        kind, config = architecture.denoiser
        scheduler, sampling = architecture.scheduler
        denoiser = kind(**config)
        parts = _text_parts(architecture) | {"vae": _vae(architecture)}
    name = "unet" if isinstance(denoiser, UNet2DConditionModel) else "transformer"
    with torch.device("cpu"):  # where samplers of loaded pipelines keep their tables
        parts |= {name: denoiser, "scheduler": scheduler(**sampling)}
        pipe = architecture.pipeline(**parts, **architecture.options)
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval().requires_grad_(False)
    return pipe if dtype == torch.float32 else pipe.to(dtype)


def _vae(architecture: Architecture) -> Any:
    published: dict[str, Any] = {
        "block_out_channels": (128, 256, 512, 512),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 2,
        "latent_channels": 4,
    }
    return AutoencoderKL(**published | dict(architecture.vae))


def _text_parts(architecture: Architecture) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for place, text in enumerate(architecture.text):
        suffix = "" if place == 0 else f"_{place + 1}"
        tokenizer, encoder = _t5(text) if text.kind == "t5" else _clip(text)
        parts |= {f"tokenizer{suffix}": tokenizer, f"text_encoder{suffix}": encoder}
    return parts


def _clip(text: Text) -> tuple[CLIPTokenizer, Any]:
    tokenizer = _clip_tokenizer()
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=text.width,
        intermediate_size=text.inner,
        projection_dim=text.width,
        num_hidden_layers=1,
        num_attention_heads=text.heads,
        max_position_embeddings=tokenizer.model_max_length,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    kind = CLIPTextModel if text.kind == "clip" else CLIPTextModelWithProjection
    return tokenizer, kind(config)


def _clip_tokenizer() -> CLIPTokenizer:
    """CLIP's tokenizer with a vocabulary of bytes, inside and at the end of words."""
    alphabet = sorted(ByteLevel.alphabet())
    words = ["<|startoftext|>", "<|endoftext|>", *alphabet, *(f"{each}</w>" for each in alphabet)]
    vocabulary = {word: number for number, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)


def _t5_tokenizer() -> T5Tokenizer:
    """T5's tokenizer with a vocabulary of printable ASCII."""
    special = ["<pad>", "</s>", "<unk>"]
    letters = ["▁", *(chr(code) for code in range(33, 127))]
    vocabulary = [(word, 0.0) for word in special] + [(word, -1.0) for word in letters]
    return T5Tokenizer(vocab=vocabulary, extra_ids=0, model_max_length=512)


def _t5(text: Text) -> tuple[T5Tokenizer, Any]:
    tokenizer = _t5_tokenizer()
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=text.width,
        d_ff=text.inner,
        d_kv=64,
        num_heads=text.heads,
        num_layers=1,
        feed_forward_proj="gated-gelu",
    )
    return tokenizer, T5EncoderModel(config)
