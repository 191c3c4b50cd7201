"""The untrained parts of the pocket pipeline: SD 1.5's topology, narrow."""

import json
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from experiments.pocket.codec import CHANNELS
from experiments.pocket.tokenizer import MAX_LENGTH

TEXT_WIDTH = 64
_TEXT_SCALE = 0.5  # standard deviation of the text encoder's output at the start


def build_unet() -> UNet2DConditionModel:
    """SD 1.5's twelve skip branches and three attention levels at 2.2 million parameters."""
    return UNet2DConditionModel(
        sample_size=32,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        block_out_channels=(16, 32, 64, 64),
        layers_per_block=2,
        down_block_types=(*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
        up_block_types=("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=(1, 1, 2, 2),  # despite its name the number of heads
        norm_num_groups=8,
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
    )


def build_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Three layers of width 64."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=TEXT_WIDTH,
        intermediate_size=4 * TEXT_WIDTH,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=MAX_LENGTH,
        projection_dim=TEXT_WIDTH,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    encoder = CLIPTextModel(config)
    for name, module in encoder.named_modules():
        if name.endswith("final_layer_norm"):
            nn.init.constant_(module.weight, _TEXT_SCALE)
    return encoder


def build_scheduler() -> DDIMScheduler:
    """SD's noise schedule, rescaled so that the last step is pure noise."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


def tokenize(tokenizer: CLIPTokenizer, captions: list[str]) -> Tensor:
    """Token ids: int64 (n, MAX_LENGTH)."""
    ids: Tensor = tokenizer(
        captions, padding="max_length", max_length=MAX_LENGTH, truncation=True, return_tensors="pt"
    ).input_ids
    return ids


def set_coarse(unet: UNet2DConditionModel, coarse: bool) -> None:
    """Run the outermost level at the next level's resolution, or undo it.

    Coarse training on 16x16 latents gives levels 1 to 3 their final geometry at half the cost.
    """
    unet.down_blocks[0].downsamplers[0].conv.stride = (1, 1) if coarse else (2, 2)
    unet.up_blocks[2].upsamplers[0].interpolate = not coarse


def save_pipeline(
    folder: Path,
    vae: AutoencoderTiny,
    text_encoder: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    unet: UNet2DConditionModel,
) -> None:
    """Write an ordinary diffusers folder."""
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=text_encoder.float(),
        tokenizer=tokenizer,
        unet=unet.to(torch.float32),
        scheduler=build_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    tidy(folder / "vae" / "config.json", ("block_out_channels", "_name_or_path"))


def tidy(path: Path, keys: tuple[str, ...]) -> None:
    """Drop keys from a saved config that would draw a warning at every load or name a path."""
    config = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in config.items() if k not in keys}, indent=2) + "\n")
