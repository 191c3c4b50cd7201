"""Guidance may end in mid-run: the run goes on with the conditional half of what is held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers.callbacks import SDCFGCutoffCallback, SDXLCFGCutoffCallback
from torch import Tensor

import dato
from dato import Kind, Schedule, Tokens
from dato.errors import MismatchError
from tests.dato.models import FAMILIES, Family
from tests.dato.tiny import generate

STEPS, CUTOFF = 8, 2
NAMES = ("sd15", "sdxl", "sd3", "sd35-medium")
TEXTS = {
    "sd15": ("prompt_embeds",),
    "sdxl": ("prompt_embeds", "add_text_embeds", "add_time_ids"),
    "sd3": ("prompt_embeds", "pooled_prompt_embeds"),
    "sd35-medium": ("prompt_embeds", "pooled_prompt_embeds"),
}
"""What a pipeline's loop holds of both halves."""

ALMOST_ONE = 1 + 1e-6
"""A guidance scale whose result is the conditional half, but which computes both."""

Callback = Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]


def cutoff(scale: float) -> Callback:
    """Sets the guidance scale after a step; where that turns guidance off, it drops a half."""

    def end(pipe: Any, step: int, _: Any, held: dict[str, Any]) -> dict[str, Any]:
        if step == CUTOFF:
            pipe._guidance_scale = scale
            if not pipe.do_classifier_free_guidance:
                return {name: value.chunk(2)[1] for name, value in held.items()}
        return held

    return end


def ending(name: str, family: Family, scale: float = 0.0, **options: Any) -> Tensor:
    return family.generate(
        STEPS,
        callback_on_step_end=cutoff(scale),
        callback_on_step_end_tensor_inputs=list(TEXTS[name]),
        **options,
    )


def cached(depth: int, values: int) -> Schedule:
    """Two full calls, then every second one; the others read ``values`` held ones at ``depth``."""
    steps = tuple("full" if call < 2 or call % 2 else "cached" for call in range(STEPS))
    if values == 1:
        return Schedule({"full": Kind(), "cached": Kind(depth)}, steps)
    if values == 2:
        return Schedule({"full": Kind(), "cached": Kind(depth, forecast="linear")}, steps)
    weights = {
        call: (1.5, -0.75, 0.25)[: 3 if call > 2 else 2]
        for call, kind in enumerate(steps)
        if kind == "cached"
    }
    return Schedule(
        {"full": Kind(), "cached": Kind(depth, forecast="fitted")}, steps, weights=weights
    )


@pytest.mark.parametrize("name", NAMES)
def test_full_calls_give_the_pipelines_own_image(name: str) -> None:
    family = FAMILIES[name]()
    expected = ending(name, family, batch=2)
    assert not torch.equal(expected, family.generate(STEPS, batch=2))
    with dato.applied(family.pipe, Schedule.full(STEPS)):
        assert torch.equal(ending(name, family, batch=2), expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("values", [1, 2, 3])
def test_held_values_go_on_as_their_conditional_half(name: str, depth: int, values: int) -> None:
    family = FAMILIES[name]()
    with dato.applied(family.pipe, cached(depth, values), fuse=False):
        both = ending(name, family, ALMOST_ONE, batch=2)
        half = ending(name, family, batch=2)
    torch.testing.assert_close(half, both, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "callback"), [("sd15", SDCFGCutoffCallback), ("sdxl", SDXLCFGCutoffCallback)]
)
def test_diffusers_own_callbacks(name: str, callback: Any) -> None:
    family = FAMILIES[name]()
    with dato.applied(family.pipe, cached(1, 2), fuse=False):
        expected = ending(name, family)
        end = callback(cutoff_step_ratio=None, cutoff_step_index=CUTOFF)
        assert torch.equal(family.generate(STEPS, callback_on_step_end=end), expected)
        unguided = family.generate(STEPS, guidance_scale=1.0)
        assert not torch.equal(unguided, expected)


@pytest.mark.parametrize("name", NAMES)
def test_pruning_goes_on_with_the_images_that_are_left(name: str) -> None:
    family = FAMILIES[name]()
    prune = {layer.name: 0.5 for layer in dato.topology(family.denoiser).layers}
    kinds = {"full": Kind("full", prune), "cached": Kind(1, prune)}
    schedule = Schedule(kinds, cached(1, 1).steps, Tokens(dynamics_weight=1.0))
    with dato.applied(family.pipe, schedule, fuse=False):
        alone, pair = ending(name, family), ending(name, family, batch=2)
        torch.testing.assert_close(pair[:1], alone, rtol=1e-3, atol=1e-3)
        assert not torch.equal(family.generate(STEPS), alone)
    assert not torch.equal(ending(name, family), alone)


def test_a_batch_that_shrinks_while_guidance_goes_on_is_refused(pipe: Any) -> None:
    def drop(pipe: Any, step: int, _: Any, held: dict[str, Any]) -> dict[str, Any]:
        return {name: value.chunk(2)[0] for name, value in held.items()} if step == 2 else held

    dato.apply(pipe, Schedule.full(4))
    with pytest.raises(MismatchError, match="shape changes from"):
        generate(
            pipe,
            4,
            batch=2,
            guidance_scale=1.0,
            callback_on_step_end=drop,
            callback_on_step_end_tensor_inputs=["prompt_embeds", "latents"],
        )
