"""What a pipeline's folder says of its parts. Imports neither torch nor diffusers."""

from __future__ import annotations

import json
import os.path
from pathlib import Path
from typing import Any

_NOTHING = [None, None]
_NEVER_NEEDED = {"safety_checker", "feature_extractor", "image_encoder"}
"""Parts that pipelines of diffusers do without, and do not have to be told to."""


def saved_without(folder: Path) -> tuple[str, ...]:
    """The parts that a pipeline was saved without, such as the largest text encoder of Stable
    Diffusion 3. diffusers loads the folder only where it is told so again.

    Args:
        folder: of a pipeline; no other one has such parts.
    """
    index = read_index(folder)
    return tuple(
        name for name, kind in index.items() if kind == _NOTHING and name not in _NEVER_NEEDED
    )


def reads_clip_alone(folder: Path) -> bool:
    """Whether a pipeline of Stable Diffusion 3's kind was made for two CLIP encoders and no T5.

    Its transformer then reads tokens exactly as wide as theirs side by side; in Stable Diffusion 3
    they are padded to the width of T5's.
    """
    index = read_index(folder)
    if index.get("_class_name") != "StableDiffusion3Pipeline":
        return False
    if index.get("text_encoder_3", _NOTHING) != _NOTHING:
        return False
    encoders = [_read(folder / name / "config.json") for name in ("text_encoder", "text_encoder_2")]
    joint = _read(folder / "transformer" / "config.json").get("joint_attention_dim")
    return bool(joint == sum(config.get("hidden_size", 0) for config in encoders))


def read_index(folder: Path) -> dict[str, Any]:
    """The names and classes of a pipeline's parts; nothing where there is no pipeline."""
    return _read(folder / "model_index.json")


def _read(path: Path) -> dict[str, Any]:
    if not os.path.isfile(path):  # of any text: Path.is_file raises where a name is too long
        return {}
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values
