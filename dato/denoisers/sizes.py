"""How large a sample a denoiser takes."""

from __future__ import annotations

from typing import Any


def most_latents(denoiser: Any) -> int | None:
    """The largest height and width of latents, in elements; None for any.

    Transformers of Stable Diffusion 3's kind cut their positions out of a table, which ends.
    """
    config = getattr(denoiser, "config", {})
    patches = config.get("pos_embed_max_size")
    return patches * config.get("patch_size", 1) if patches else None
