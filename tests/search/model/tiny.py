"""A random Stable Diffusion pipeline so small that a denoising run takes milliseconds."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from search.model.loading import ModelConfig
from search.model.workload import Workload

STEPS = 6
SEARCH = Workload(tuple(f"a {word} b" for word in "abcdefgh"), seed=1)
HELDOUT = Workload(("b", "b a", "a a", "c"), seed=2)


def tiny_config(folder: Path, **changes: object) -> ModelConfig:
    """Settings for the pipeline that :func:`save_tiny` wrote."""
    values: dict[str, object] = {
        "path": str(folder),
        "scheduler": "DDIMScheduler",
        "num_inference_steps": STEPS,
        "guidance_scale": 2.0,
        "batch_size": 2,
    }
    return ModelConfig(**(values | changes))  # type: ignore[arg-type]


def save_tiny(folder: Path, prediction_type: str = "v_prediction") -> Path:
    """Write the pipeline: two levels with attention, 6 skip branches, 8x8 latents."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=(8, 16),
        layers_per_block=2,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=2,
        norm_num_groups=4,
    )
    vae = AutoencoderTiny(
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
        upsampling_scaling_factor=2,
    )
    pipe = StableDiffusionPipeline(
        vae=vae,
        text_encoder=CLIPTextModel(_text_config()),
        tokenizer=_tokenizer(folder),
        unet=unet,
        scheduler=DDIMScheduler(prediction_type=prediction_type, clip_sample=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.save_pretrained(folder)
    return folder


def _text_config() -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=16,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


def _tokenizer(folder: Path) -> CLIPTokenizer:
    words = ["<|startoftext|>", "<|endoftext|>", *"abcdefgh", *(f"{c}</w>" for c in "abcdefgh")]
    source = folder / "words"
    source.mkdir(parents=True, exist_ok=True)
    vocabulary = source / "vocab.json"
    vocabulary.write_text(json.dumps({word: number for number, word in enumerate(words)}))
    merges = source / "merges.txt"
    merges.write_text("#version: 0.2\n")
    tokenizer: CLIPTokenizer = CLIPTokenizer.from_pretrained(source, model_max_length=16)
    return tokenizer
