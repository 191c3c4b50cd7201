"""The blocks of a UNet. Refuses what ``dato.denoisers.unet`` cannot honour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.unets.unet_2d_blocks import (
    CrossAttnDownBlock2D,
    CrossAttnUpBlock2D,
    DownBlock2D,
    UNetMidBlock2D,
    UNetMidBlock2DCrossAttn,
    UpBlock2D,
)
from torch import nn

from dato.denoisers.unet import count_branches
from dato.denoisers.unet_condition import UNet
from dato.errors import UnsupportedError
from dato.topology import Layer, Topology

_BLOCKS = (DownBlock2D, CrossAttnDownBlock2D, UpBlock2D, CrossAttnUpBlock2D)
_MIDDLE = (UNetMidBlock2D, UNetMidBlock2DCrossAttn, type(None))
_FREEU = ("s1", "s2", "b1", "b2")


def layout(unet: UNet) -> Topology:
    """Skip branches and prunable self-attention layers of a UNet.

    Raises:
        UnsupportedError: the UNet has blocks that the engine does not know.
    """
    check_blocks(unet)
    branches = count_branches(unet)
    layers = chain(_down_layers(unet), _middle_layers(unet, branches), _up_layers(unet, branches))
    return Topology(branches, tuple(layer for layer in layers if self_attentions(unet, layer)))


def self_attentions(unet: UNet, layer: Layer) -> list[nn.Module]:
    """The self-attention of each transformer block of a layer; empty where it has none."""
    blocks = unet.get_submodule(layer.name).transformer_blocks
    return [block.attn1 for block in blocks if not block.only_cross_attention]


def _down_layers(unet: UNet) -> Iterator[Layer]:
    branch = 1
    for level, block in enumerate(unet.down_blocks):
        for place, _ in enumerate(getattr(block, "attentions", None) or ()):
            yield Layer(f"down_blocks.{level}.attentions.{place}", level, branch + place)
        branch += len(block.resnets) + (block.downsamplers is not None)


def _middle_layers(unet: UNet, branches: int) -> Iterator[Layer]:
    level = len(unet.down_blocks) - 1
    for place, attention in enumerate(getattr(unet.mid_block, "attentions", None) or ()):
        if isinstance(attention, Transformer2DModel):
            yield Layer(f"mid_block.attentions.{place}", level, branches)


def _up_layers(unet: UNet, branches: int) -> Iterator[Layer]:
    branch = branches - 1
    for number, block in enumerate(unet.up_blocks):
        level = len(unet.up_blocks) - 1 - number
        for place, _ in enumerate(getattr(block, "attentions", None) or ()):
            yield Layer(f"up_blocks.{number}.attentions.{place}", level, branch - place)
        branch -= len(block.resnets)


def check_blocks(unet: UNet) -> None:
    """Refuse unknown blocks, FreeU, and hooks that would not run in a forward from a cut.

    Raises:
        UnsupportedError: naming the block and the feature.
    """
    if type(unet.mid_block) not in _MIDDLE:
        raise _unsupported("mid_block", unet.mid_block)
    named = chain(unet.down_blocks.named_children(), unet.up_blocks.named_children())
    for name, block in named:
        if type(block) not in _BLOCKS:
            raise _unsupported(name, block)
        if any(getattr(block, factor, None) for factor in _FREEU):
            raise UnsupportedError(
                "FreeU is on, and no schedule can honour it: it changes the skip branches.",
                remedy="Call pipe.disable_freeu() first.",
            )
        patched = getattr(block.forward, "__func__", None) is not type(block).forward
        if patched or block._forward_hooks or block._forward_pre_hooks:
            raise UnsupportedError(
                f"A whole UNet block, {type(block).__name__}, has a hook, or a forward that is not "
                "its own. It would not run, because the engine runs what is inside the block.",
                remedy="Remove the hook (block offloading, another cache), then apply again.",
            )
        for attention in getattr(block, "attentions", None) or ():
            if not isinstance(attention, Transformer2DModel) or not attention.is_input_continuous:
                raise _unsupported(name, attention)


def check_inputs(keywords: Mapping[str, Any]) -> None:
    """Refuse arguments of ``forward`` that would change a unit's work from outside.

    Raises:
        UnsupportedError: naming the argument.
    """
    residuals = keywords.get("down_block_additional_residuals")
    legacy = residuals is not None and keywords.get("mid_block_additional_residual") is None
    if legacy or keywords.get("down_intrablock_additional_residuals") is not None:
        raise UnsupportedError(
            "The call has residuals of a T2I-Adapter (down_intrablock_additional_residuals), which "
            "no schedule can honour.",
            remedy="Use a ControlNet, or run without a schedule.",
        )
    if "gligen" in (keywords.get("cross_attention_kwargs") or {}):
        raise UnsupportedError(
            "The call has GLIGEN's grounding (gligen), which no schedule can honour.",
            remedy="Run without a schedule.",
        )


def _unsupported(name: str, module: object) -> UnsupportedError:
    known = ", ".join(block.__name__ for block in _BLOCKS)
    return UnsupportedError(
        f"The engine does not know the UNet's {type(module).__name__} in block {name}.",
        remedy=f"It knows {known}, around Transformer2DModel layers.",
    )
