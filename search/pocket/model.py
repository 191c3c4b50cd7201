"""Finds and loads the shipped weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from search.pocket.features import FeatureNetwork

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline

_WEIGHTS = Path(__file__).parent / "weights"


def pocket_path() -> Path:
    """The shipped diffusers folder; `StableDiffusionPipeline.from_pretrained` loads it as it is."""
    return _WEIGHTS / "pipeline"


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


def load_features() -> FeatureNetwork:
    """Load the shipped feature network, in evaluation mode."""
    return FeatureNetwork.load(_WEIGHTS / "features.safetensors")
