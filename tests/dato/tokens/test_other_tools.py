"""Where another tool changes tokens, a schedule refuses to prune before it runs, and caches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from accelerate.hooks import (  # type: ignore[import-untyped]
    AlignDevicesHook,
    add_hook_to_module,
)
from diffusers.models.attention import BasicTransformerBlock
from torch import Tensor, nn

import dato
from dato.errors import UnsupportedError
from dato.schedule import Schedule
from tests.dato.models import flux, pixart, sd3
from tests.dato.tiny import PRUNE, generate, generated

STEPS = 4
CACHED = Schedule.uniform(STEPS, 2, 1)
PRUNED = Schedule.uniform(STEPS, 2, 1, PRUNE)
Tool = Callable[[Any, pytest.MonkeyPatch], None]


def blocks(pipe: Any) -> list[Any]:
    return [each for each in pipe.unet.modules() if isinstance(each, BasicTransformerBlock)]


def another_class(pipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Merges tokens in blocks of a class of its own, as tomesd does."""

    class Merging(BasicTransformerBlock):
        def forward(self, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            merged = super().forward(hidden_states[:, ::2], *args, **kwargs)
            return hidden_states + torch.repeat_interleave(merged, 2, 1)

    for block in blocks(pipe):
        monkeypatch.setattr(block, "__class__", Merging)


def tomesd(pipe: Any, _: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tomesd").apply_patch(pipe, max_downsample=8, use_rand=False)


def another_attention(pipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attends in tiles, as HyperTile does."""
    for block in blocks(pipe):
        monkeypatch.setattr(block.attn1, "forward", in_tiles(block.attn1.forward))


def in_tiles(own: Any) -> Any:
    return lambda hidden, **kwargs: torch.cat([own(part, **kwargs) for part in hidden.chunk(2, 1)])


def every_block(_: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes diffusers' class itself."""

    def forward(_: Any, hidden_states: Tensor, *__: Any, **___: Any) -> Tensor:
        halved: Tensor = hidden_states / 2
        return halved

    monkeypatch.setattr(BasicTransformerBlock, "forward", forward)


@pytest.mark.parametrize("applied_first", [False, True])
@pytest.mark.parametrize("tool", [another_class, tomesd, another_attention, every_block])
def test_pruning_on_top_of_another_tool_is_refused_by_name_before_the_first_call(
    pipe: Any, monkeypatch: pytest.MonkeyPatch, tool: Tool, applied_first: bool
) -> None:
    calls: list[int] = []
    pipe.unet.conv_in.register_forward_hook(lambda *_: calls.append(1))
    if applied_first:
        dato.apply(pipe, PRUNED)
        tool(pipe, monkeypatch)
    else:
        tool(pipe, monkeypatch)
    name = "tomesd" if tool is tomesd else __name__
    with pytest.raises(UnsupportedError, match=rf"{name}\..* in down_blocks\.0\.attentions\.0"):
        generate(pipe, STEPS) if applied_first else dato.apply(pipe, PRUNED)
    assert not calls


@pytest.mark.parametrize("tool", [tomesd, every_block])
def test_caching_on_top_of_another_tool_gives_its_images(
    pipe: Any, monkeypatch: pytest.MonkeyPatch, tool: Tool
) -> None:
    bare = generate(pipe, STEPS)
    tool(pipe, monkeypatch)
    expected = generate(pipe, STEPS)
    assert torch.equal(generated(pipe, Schedule.full(STEPS)), expected)
    assert not torch.equal(expected, bare)
    assert torch.isfinite(generated(pipe, CACHED)).all()


@pytest.mark.parametrize("make", [pixart, sd3, flux])
def test_a_transformers_attention_that_another_tool_has_replaced_is_not_pruned(make: Any) -> None:
    family = make()
    block = family.pipe.transformer.transformer_blocks[1]
    attention = getattr(block, "attn1", None) or block.attn
    attention.forward = in_tiles(attention.forward)
    with pytest.raises(UnsupportedError, match=r"in_tiles.* in transformer_blocks\.1"):
        dato.apply(family.pipe, Schedule.uniform(STEPS, 2, 1, {"level_0": 0.5}))
    dato.apply(family.pipe, CACHED)


@pytest.mark.parametrize("count", [200, 300])
def test_another_number_of_tokens_is_refused(pipe: Any, count: int) -> None:
    def resized(_: nn.Module, args: tuple[Tensor], kwargs: Any) -> Any:
        hidden = args[0]
        return (nn.functional.interpolate(hidden.mT, count).mT,), kwargs

    attention = blocks(pipe)[0].attn1
    attention.register_forward_pre_hook(resized, with_kwargs=True)
    words = rf"down_blocks\.0\.attentions\.0, .* has {count} tokens instead of 256"
    with dato.applied(pipe, PRUNED), pytest.raises(UnsupportedError, match=words):
        generate(pipe, STEPS)


@pytest.mark.parametrize("applied_first", [False, True])
@pytest.mark.parametrize("make", [pixart, sd3, flux])
def test_sequential_offloading_prunes_and_caches(make: Any, applied_first: bool) -> None:
    """accelerate hooks every module that has weights of its own: PixArt's blocks are among them."""
    family = make()
    schedule = Schedule.uniform(STEPS, 2, 1, {"level_0": 0.5})
    dato.apply(family.pipe, schedule)
    expected = family.generate(STEPS)
    if not applied_first:
        dato.remove(family.pipe)
    for module in family.pipe.transformer.modules():
        if next(module.parameters(recurse=False), None) is not None:
            add_hook_to_module(module, AlignDevicesHook())
    if not applied_first:
        dato.apply(family.pipe, schedule)
    assert torch.equal(family.generate(STEPS), expected)
