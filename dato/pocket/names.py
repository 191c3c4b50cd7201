"""The pocket models by name, and where their weights are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FOLDERS: Mapping[str, str] = {"pocket": "pipeline", "pocket-flow": "flow"}
"""The folder of each model, beside this file."""


def pocket_path(model: str = "pocket") -> Path:
    """The shipped diffusers folder of a model.

    `StableDiffusionPipeline.from_pretrained` loads ``"pocket"`` as it is. That of
    `StableDiffusion3Pipeline` loads ``"pocket-flow"`` where it is told that ``text_encoder_3`` and
    ``tokenizer_3`` are None, and its call then needs ``max_sequence_length=0``;
    :func:`dato.pocket.load_pipeline` sees to both.

    Raises:
        ValueError: it is no pocket model.
    """
    if model not in FOLDERS:
        raise ValueError(
            f"{model!r} is no pocket model. Give one of {', '.join(map(repr, FOLDERS))}."
        )
    return Path(__file__).parent / FOLDERS[model]
