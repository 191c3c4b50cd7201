"""diffusers' own caches are refused by name, before a schedule comes and after."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from diffusers.hooks.hooks import HookRegistry, ModelHook
from diffusers.hooks.smoothed_energy_guidance_utils import _apply_smoothed_energy_guidance_hook

import dato
from dato.errors import UnsupportedError
from dato.schedule import Schedule
from tests.dato.models import Family, flux, sd3
from tests.dato.tiny import generate

hooks: Any = importlib.import_module("diffusers.hooks")
STEPS = 4
PLANS = {
    "held": Schedule.uniform(STEPS, 2, 0),
    "cut": Schedule.uniform(STEPS, 2, 1),
    "pruned": Schedule.uniform(STEPS, 2, 1, {"level_0": 0.5}),
}
NOW: dict[str, Any] = {"current_timestep_callback": lambda: 500}
LAYERS: dict[str, Any] = {"indices": [1]}

CACHES: dict[str, Any] = {
    "FasterCache": lambda: hooks.FasterCacheConfig(**NOW),
    "FirstBlockCache": hooks.FirstBlockCacheConfig,
    "LayerSkip": lambda: hooks.LayerSkipConfig(**LAYERS),
    "MagCache": lambda: hooks.MagCacheConfig(calibrate=True, num_inference_steps=STEPS),
    "PyramidAttentionBroadcast": lambda: hooks.PyramidAttentionBroadcastConfig(
        spatial_attention_block_skip_range=2, **NOW
    ),
    "SeaCache": hooks.SeaCacheConfig,
    "SmoothedEnergyGuidance": lambda: hooks.SmoothedEnergyGuidanceConfig(**LAYERS),
    "TaylorSeer": hooks.TaylorSeerCacheConfig,
    "TextKVCache": hooks.TextKVCacheConfig,
}
"""How to make the settings of each cache of the library."""

HARMLESS = {
    "context_parallel",
    "group_offloading",
    "layerwise_casting",
    "layerwise_casting_hook",
    "tensor_parallel",
}
"""What the library applies that moves, splits or casts: it computes what it would without."""


def test_every_cache_of_the_library_is_tried() -> None:
    """A new one in a later version fails here: say in other_caches.py which it is."""
    settings = {name for name in dir(hooks) if name.endswith("Config")}
    assert settings == {type(make()).__name__ for make in CACHES.values()}
    applied = {name.removeprefix("apply_") for name in dir(hooks) if name.startswith("apply_")}
    tried = {type(make()).__module__.removeprefix("diffusers.hooks.") for make in CACHES.values()}
    assert applied - HARMLESS <= tried


def turn_on(name: str) -> tuple[Family, Callable[[], None]]:
    """A family that can have a cache, and what turns it on."""
    settings = CACHES[name]()
    if name == "SmoothedEnergyGuidance":  # which no attention of FLUX can have
        family = sd3()
        apply: Any = partial(_apply_smoothed_energy_guidance_hook, blur_sigma=1.0, name="any")
    elif name == "LayerSkip":
        family, apply = flux(), hooks.apply_layer_skip
    else:
        family = flux()
        return family, partial(family.denoiser.enable_cache, settings)
    return family, partial(apply, family.denoiser, settings)


def turn_off(denoiser: Any) -> None:
    if getattr(denoiser, "is_cache_enabled", False):
        denoiser.disable_cache()
    for module in denoiser.modules():
        registry = vars(module).get("_diffusers_hook")
        for name in list(getattr(registry, "hooks", ())):
            registry.remove_hook(name, recurse=False)


@pytest.mark.filterwarnings("ignore:FasterCache")
@pytest.mark.parametrize(
    ("plan", "fuse"), [("held", True), ("held", False), ("cut", True), ("pruned", False)]
)
@pytest.mark.parametrize("name", CACHES)
def test_a_cache_of_diffusers_is_refused_by_name(name: str, plan: str, fuse: bool) -> None:
    family, turn = turn_on(name)
    apply: Any = partial(dato.apply, family.pipe, PLANS[plan], fuse=fuse)
    apply()
    expected = family.generate(STEPS)
    dato.remove(family.pipe)
    for applied_first in (False, True):
        if applied_first:
            apply()
        start = partial(family.generate, STEPS) if applied_first else apply
        turn()
        with pytest.raises(UnsupportedError, match=f"diffusers' {name} is on"):
            start()
        turn_off(family.denoiser)
    assert torch.equal(family.generate(STEPS), expected)


def test_the_same_on_a_unet_whatever_the_hook_is_called(pipe: Any) -> None:
    blocks = "up_blocks.3.attentions.0.transformer_blocks"
    config = hooks.SmoothedEnergyGuidanceConfig(indices=[0], fqn=blocks)
    _apply_smoothed_energy_guidance_hook(pipe.unet, config, 1.0, name="mine")
    with pytest.raises(UnsupportedError, match="SmoothedEnergyGuidance is on"):
        dato.apply(pipe, PLANS["held"])


def test_a_cache_that_the_library_has_since_is_refused_by_its_class(pipe: Any) -> None:
    new = type("NewCacheBlockHook", (ModelHook,), {"__module__": "diffusers.hooks.new_cache"})
    registry = HookRegistry.check_if_exists_or_initialize(pipe.unet.mid_block)
    registry.register_hook(new(), "new_cache")
    with pytest.raises(UnsupportedError, match="diffusers' NewCacheBlockHook is on"):
        dato.apply(pipe, PLANS["held"])


def test_hooks_that_move_or_cast_weights_are_no_other_tool(pipe: Any) -> None:
    expected = generate(dato.apply(pipe, PLANS["pruned"]), STEPS)
    dato.remove(pipe)
    hooks.apply_layerwise_casting(pipe.unet, torch.float32, torch.float32)
    for module in pipe.unet.modules():
        if hasattr(module, "attn1"):
            registry = HookRegistry.check_if_exists_or_initialize(module.attn1)
            registry.register_hook(ModelHook(), "peft_autocast_disable")
    assert torch.equal(generate(dato.apply(pipe, PLANS["pruned"]), STEPS), expected)
