"""A CLIP model of random weights, so small that scoring an image takes a millisecond."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPTokenizer

SIDE = 8


def save_clip(place: Path) -> Path:
    """Write the folder as the published models have it: words of the letters a to d."""
    place.mkdir(parents=True, exist_ok=True)
    words = ["<|startoftext|>", "<|endoftext|>", *"abcd", *(f"{c}</w>" for c in "abcd")]
    (place / "vocab.json").write_text(json.dumps({word: n for n, word in enumerate(words)}))
    (place / "merges.txt").write_text("#version: 0.2\n")
    small = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }  # fmt: skip
    text = {"vocab_size": len(words), "max_position_embeddings": 12, "bos_token_id": 0}
    torch.manual_seed(4)
    config = CLIPConfig(
        text_config={**small, **text, "eos_token_id": 1, "pad_token_id": 1},
        vision_config={**small, "image_size": SIDE, "patch_size": 4},
        projection_dim=8,
    )
    model = CLIPModel(config)
    model.visual_projection.weight.data.neg_()  # or all scores were below 0, which counts as 0
    model.save_pretrained(place)
    CLIPTokenizer.from_pretrained(place, model_max_length=12).save_pretrained(place)
    processor: Any = CLIPImageProcessor
    processor(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    ).save_pretrained(place)
    return place
