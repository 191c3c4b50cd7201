"""diffusers' own caches are refused by name, before a schedule comes and after."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from diffusers import FirstBlockCacheConfig, MagCacheConfig, PyramidAttentionBroadcastConfig
from diffusers.hooks.hooks import HookRegistry, ModelHook
from diffusers.hooks.pyramid_attention_broadcast import apply_pyramid_attention_broadcast
from diffusers.hooks.taylorseer_cache import TaylorSeerCacheConfig

import dato
from dato.errors import UnsupportedError
from dato.schedule import Schedule
from tests.dato.models import flux
from tests.dato.tiny import generate

STEPS = 4
PLANS = {
    "held": Schedule.uniform(STEPS, 2, 0),
    "cut": Schedule.uniform(STEPS, 2, 1),
    "pruned": Schedule.uniform(STEPS, 2, 1, {"level_0": 0.5}),
    "full": Schedule.full(STEPS),
}


def broadcast() -> Any:
    return PyramidAttentionBroadcastConfig(
        spatial_attention_block_skip_range=2, current_timestep_callback=lambda: 500
    )


CACHES: dict[str, Any] = {
    "PyramidAttentionBroadcast": broadcast,
    "TaylorSeer": TaylorSeerCacheConfig,
    "FirstBlockCache": FirstBlockCacheConfig,
    "MagCache": lambda: MagCacheConfig(calibrate=True, num_inference_steps=STEPS),
}


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("name", CACHES)
def test_a_cache_of_diffusers_is_refused_by_name(name: str, plan: str, fuse: bool) -> None:
    family = flux()
    apply: Any = partial(dato.apply, family.pipe, PLANS[plan], fuse=fuse)
    apply()
    expected = family.generate(STEPS)
    dato.remove(family.pipe)
    for applied_first in (False, True):
        if applied_first:
            apply()
        start = partial(family.generate, STEPS) if applied_first else apply
        family.denoiser.enable_cache(CACHES[name]())
        with pytest.raises(UnsupportedError, match=f"diffusers' {name} is on"):
            start()
        family.denoiser.disable_cache()
    assert torch.equal(family.generate(STEPS), expected)


def test_the_same_on_a_unet(pipe: Any) -> None:
    config = PyramidAttentionBroadcastConfig(
        spatial_attention_block_skip_range=2,
        spatial_attention_block_identifiers=("attentions",),
        current_timestep_callback=lambda: 500,
    )
    apply_pyramid_attention_broadcast(pipe.unet, config)
    with pytest.raises(UnsupportedError, match="PyramidAttentionBroadcast is on"):
        dato.apply(pipe, PLANS["held"])


def test_hooks_that_move_or_cast_weights_are_no_other_tool(pipe: Any) -> None:
    expected = generate(dato.apply(pipe, PLANS["pruned"]), STEPS)
    dato.remove(pipe)
    for module in pipe.unet.modules():
        if hasattr(module, "attn1"):
            registry = HookRegistry.check_if_exists_or_initialize(module.attn1)
            registry.register_hook(ModelHook(), "peft_autocast_disable")
    assert torch.equal(generate(dato.apply(pipe, PLANS["pruned"]), STEPS), expected)
