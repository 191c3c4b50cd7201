"""The pocket pipeline: a small text-to-image model that ships with the engine, to try presets on.

It needs no download and nothing but what the engine itself needs. Its captions, renders and
features are the search's (``search.pocket``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline

__all__ = ["load_pipeline", "pocket_path"]


def pocket_path() -> Path:
    """The shipped diffusers folder; `StableDiffusionPipeline.from_pretrained` loads it as it is."""
    return Path(__file__).parent / "pipeline"


def load_pipeline(path: Path | None = None) -> StableDiffusionPipeline:
    """Load the pocket pipeline, or one trained by its recipe at path, in float32 on the CPU.

    diffusers is imported here, because captions and renders do not need it and need not wait for
    it. Its warning that the codec is no `AutoencoderKL` is switched off.
    """
    from diffusers import StableDiffusionPipeline
    from diffusers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        pipeline: StableDiffusionPipeline = StableDiffusionPipeline.from_pretrained(
            path or pocket_path(), safety_checker=None, requires_safety_checker=False
        )
    finally:
        logging.set_verbosity(verbosity)
    return pipeline
