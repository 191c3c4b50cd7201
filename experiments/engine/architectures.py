"""The denoisers that are timed: published configurations, with random weights.

The time of a call does not depend on the values of the weights, so none are downloaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from diffusers import UNet2DConditionModel

from dato.pocket import pocket_path
from search.model.architectures import PUBLISHED, Config

_SD15 = PUBLISHED["sd15"].denoiser[1]

_NARROW: Config = {
    **_SD15,
    "block_out_channels": (64, 128, 256, 256),
    "attention_head_dim": (2, 4, 8, 8),
    "cross_attention_dim": 128,
}
"""SD 1.5 at a fifth of its width, with heads of 32 channels."""

_TINY: Config = {
    **_NARROW,
    "block_out_channels": (8, 16, 16, 16),
    "attention_head_dim": (1, 2, 2, 2),
    "cross_attention_dim": 8,
    "norm_num_groups": 4,
}


@dataclass(frozen=True)
class Architecture:
    """A denoiser's configuration and what belongs to it.

    Args:
        config: arguments of ``UNet2DConditionModel``.
        level: the finest level with self-attentions, which is the one that is pruned.
        pooled: channels of the pooled prompt embedding, 0 where there is none.
        words: length of the prompt embeddings.
    """

    config: Callable[[], Config]
    level: int = 0
    pooled: int = 0
    words: int = 77

    def unet(self) -> Any:
        """The UNet with random weights, on the current default device."""
        return UNet2DConditionModel.from_config(dict(self.config())).eval().requires_grad_(False)


ARCHITECTURES = {
    "sd15": Architecture(lambda: _SD15),
    "sdxl": Architecture(lambda: PUBLISHED["sdxl"].denoiser[1], level=1, pooled=1280),
    "sd15-narrow": Architecture(lambda: _NARROW),
    "pocket": Architecture(
        lambda: UNet2DConditionModel.load_config(str(pocket_path() / "unet")), words=20
    ),
    "tiny": Architecture(lambda: _TINY, words=5),
}
