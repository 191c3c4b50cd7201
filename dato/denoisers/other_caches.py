"""diffusers' own caches, whose intervals would multiply with those of a schedule."""

from __future__ import annotations

from typing import Any

from torch import nn

from dato.errors import UnsupportedError

_CACHES = {
    "pyramid_attention_broadcast": "PyramidAttentionBroadcast",
    "faster_cache": "FasterCache",
    "fbc": "FirstBlockCache",
    "taylorseer": "TaylorSeer",
    "mag_cache": "MagCache",
    "sea_cache": "SeaCache",
    "text_kv_cache": "TextKVCache",
    "layer_skip": "LayerSkip",
    "smoothed_energy_guidance": "SmoothedEnergyGuidance",
}
"""What hooks are for, by how their names begin."""


def check_no_other_cache(denoiser: Any) -> None:
    """Refuse a denoiser in which one of diffusers' caches, or skipping of layers, is on.

    Raises:
        UnsupportedError: naming the cache and a module that it has hooked.
    """
    if not isinstance(denoiser, nn.Module):
        return
    for place, module in denoiser.named_modules():
        for hook in getattr(vars(module).get("_diffusers_hook"), "hooks", ()):
            for start, name in _CACHES.items():
                if hook.startswith(start):
                    raise UnsupportedError(
                        f"diffusers' {name} is on (in {place or 'the whole denoiser'}), and its "
                        "intervals would multiply with the schedule's.",
                        remedy="Call pipe.transformer.disable_cache(), or remove its hooks.",
                    )
