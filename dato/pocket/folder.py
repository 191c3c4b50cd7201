"""Loads a pipeline's folder as the class that it needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from diffusers import DiffusionPipeline

from dato.pocket.flow import StableDiffusion3Pipeline


def from_folder(folder: Path, *, only: str | None = None, **keywords: Any) -> Any:
    """The pipeline of any diffusers folder; pocket-flow's kind in the class of its own.

    Args:
        only: the one part that is loaded; by default all are.
        keywords: what `DiffusionPipeline.from_pretrained` takes.
    """
    index = _read(folder / "model_index.json")
    # A pipeline that was saved without a part, such as the largest text encoder of SD 3, is only
    # loaded where that is said again.
    left_out = {
        name: None
        for name, kind in index.items()
        if kind == [None, None] or (only and isinstance(kind, list) and name != only)
    }
    # The safety checker is as large as the denoiser, and nobody shows it an image here.
    unused = {"safety_checker": None, "requires_safety_checker": False}
    kind = StableDiffusion3Pipeline if _reads_clip_alone(folder, index) else DiffusionPipeline
    return kind.from_pretrained(
        folder, **left_out | (unused if "safety_checker" in index else {}) | keywords
    )


def _reads_clip_alone(folder: Path, index: dict[str, Any]) -> bool:
    """Whether a pipeline of Stable Diffusion 3's kind was made for two CLIP encoders and no T5.

    Its transformer then reads tokens exactly as wide as theirs side by side; in Stable Diffusion 3
    they are padded to the width of T5's.
    """
    if index.get("_class_name") != "StableDiffusion3Pipeline":
        return False
    if index.get("text_encoder_3", [None, None]) != [None, None]:
        return False
    encoders = [_read(folder / name / "config.json") for name in ("text_encoder", "text_encoder_2")]
    joint = _read(folder / "transformer" / "config.json")["joint_attention_dim"]
    return bool(joint == sum(config["hidden_size"] for config in encoders))


def _read(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values
