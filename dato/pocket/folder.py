"""Loads a pipeline's folder with what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusers import DiffusionPipeline

from dato.pocket.flow import read_clip_alone
from dato.pocket.index import read_index, reads_clip_alone, saved_without


def from_folder(folder: Path, *, only: str | None = None, **keywords: Any) -> Any:
    """The pipeline of any diffusers folder; that of pocket-flow's kind reads CLIP's tokens alone.

    Args:
        only: the one part that is loaded; by default all are.
        keywords: what `DiffusionPipeline.from_pretrained` takes.
    """
    index = read_index(folder)
    unwanted = {name for name, kind in index.items() if isinstance(kind, list) and name != only}
    left_out = dict.fromkeys([*saved_without(folder), *(unwanted if only else ())])
    # The safety checker is as large as the denoiser, and nobody shows it an image here.
    unused = {"safety_checker": None, "requires_safety_checker": False}
    pipe = DiffusionPipeline.from_pretrained(
        folder, **left_out | (unused if "safety_checker" in index else {}) | keywords
    )
    if only is None and reads_clip_alone(folder):
        read_clip_alone(pipe)
    return pipe
