"""diffusers' own caches, whose intervals would multiply with those of a schedule."""

from __future__ import annotations

from typing import Any

from torch import nn

from dato.errors import UnsupportedError

_HOOKS = "diffusers.hooks."
_CACHES = {
    "faster_cache": "FasterCache",
    "first_block_cache": "FirstBlockCache",
    "layer_skip": "LayerSkip",
    "mag_cache": "MagCache",
    "pyramid_attention_broadcast": "PyramidAttentionBroadcast",
    "sea_cache": "SeaCache",
    "smoothed_energy_guidance_utils": "SmoothedEnergyGuidance",
    "taylorseer_cache": "TaylorSeer",
    "text_kv_cache": "TextKVCache",
}
"""What hooks are for, by the module that their class is in: their names anyone may choose."""
_HARMLESS = {
    "context_parallel",
    "group_offloading",
    "hooks",
    "layerwise_casting",
    "tensor_parallel",
    "tensor_parallel_neuron",
}
"""The modules of hooks that move, split or cast, and compute what they compute without."""


def check_no_other_cache(denoiser: Any) -> None:
    """Refuse a denoiser in which one of diffusers' caches, or skipping of layers, is on.

    Raises:
        UnsupportedError: naming the cache and a module that it has hooked.
    """
    if not isinstance(denoiser, nn.Module):
        return
    for place, module in denoiser.named_modules():
        for hook in getattr(vars(module).get("_diffusers_hook"), "hooks", {}).values():
            name = _cache_of(type(hook))
            if name is not None:
                raise UnsupportedError(
                    f"diffusers' {name} is on (in {place or 'the whole denoiser'}), and its "
                    "intervals would multiply with the schedule's.",
                    remedy="Call pipe.transformer.disable_cache(), or remove its hooks.",
                )


def _cache_of(hook: type) -> str | None:
    """What a hook of diffusers is for; None for one that is harmless, or another library's."""
    if not hook.__module__.startswith(_HOOKS):
        return None
    module = hook.__module__.removeprefix(_HOOKS)
    return None if module in _HARMLESS else _CACHES.get(module, hook.__name__)
