"""The pipeline of pocket-flow: Stable Diffusion 3's, without the room that a T5 encoder takes."""

from __future__ import annotations

from typing import Any

import diffusers
from torch import Tensor


# The name is diffusers' too, so that what it saves is an ordinary folder.
class StableDiffusion3Pipeline(diffusers.StableDiffusion3Pipeline):  # type: ignore[misc]
    """Reads captions with its two CLIP encoders alone.

    In place of a missing third encoder diffusers' pipeline puts 256 zeros beside the caption's
    tokens. Pocket-flow was trained without them, and they would cost as much as its image does.
    With diffusers' own class a call has to say `max_sequence_length=0`.
    """

    def _get_t5_prompt_embeds(self, *inputs: Any, **keywords: Any) -> Tensor:
        embeddings: Tensor = super()._get_t5_prompt_embeds(
            *inputs, **keywords | {"max_sequence_length": 0}
        )
        return embeddings
