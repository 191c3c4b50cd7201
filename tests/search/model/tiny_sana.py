"""A pipeline folder of a family that the engine has no adapter for: Sana, tiny, random weights."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderDC, SanaPipeline
from transformers import Gemma2Config, Gemma2Model, GemmaTokenizer

from tests.dato.sampler.other_models import WIDTH, sana


def save_sana(folder: Path) -> Path:
    """Write the pipeline: 8x8 latents, images of 32x32."""
    tokenizer = _tokenizer()
    part = sana().pipe
    with torch.random.fork_rng():
        torch.manual_seed(0)
        pipe = SanaPipeline(
            tokenizer=tokenizer,
            text_encoder=Gemma2Model(_text_config(len(tokenizer))),
            vae=AutoencoderDC(
                in_channels=3,
                latent_channels=4,
                attention_head_dim=2,
                encoder_block_types=("ResBlock",) * 3,
                decoder_block_types=("ResBlock",) * 3,
                encoder_block_out_channels=(8, 8, 8),
                decoder_block_out_channels=(8, 8, 8),
                encoder_qkv_multiscales=((), (), ()),
                decoder_qkv_multiscales=((), (), ()),
                encoder_layers_per_block=(1, 1, 1),
                decoder_layers_per_block=(1, 1, 1),
                downsample_block_type="conv",
                upsample_block_type="interpolate",
                decoder_norm_types="rms_norm",
                decoder_act_fns="silu",
                scaling_factor=0.41407,
            ),
            transformer=part.transformer,
            scheduler=part.scheduler,
        )
    pipe.save_pretrained(folder)
    return folder


def _tokenizer() -> GemmaTokenizer:
    """Gemma's tokenizer with a vocabulary of printable ASCII."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    letters = ["▁", *(chr(code) for code in range(33, 127))]
    vocabulary = {word: number for number, word in enumerate([*special, *letters])}
    return GemmaTokenizer(vocab=vocabulary, merges=[])


def _text_config(words: int) -> Gemma2Config:
    return Gemma2Config(
        vocab_size=words,
        hidden_size=WIDTH,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=2,
    )
