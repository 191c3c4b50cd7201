"""The forward of diffusers' ``UNet2DConditionModel``, unit by unit, from any depth.

A unit is what makes one skip branch: a resnet with its attention, or a downsampler. Depth ``n``
makes the ``n`` outermost branches and runs the ``n`` up units that consume them. The middle block
and everything inside the cut do not run at all. ``dato.denoisers.unet_blocks`` refuses what this
forward does not honour.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any, NamedTuple

import torch
from diffusers.utils.peft_utils import apply_lora_scale
from torch import Tensor, nn

from dato.denoisers.unet_condition import Condition, UNet, condition_of


class Unit(NamedTuple):
    """The modules between two skip branches; an absent one is None."""

    resnet: nn.Module | None
    attention: nn.Module | None
    samplers: nn.ModuleList | None

    def run(self, hidden: Tensor, condition: Condition) -> Tensor:
        """Run the resnet and the attention; the caller runs the samplers."""
        if self.resnet is not None:
            hidden = self.resnet(hidden, condition.embedding)
        if self.attention is not None:
            hidden = self.attention(hidden, **condition.attention, return_dict=False)[0]
        return hidden


def down_units(unet: UNet) -> Iterator[Unit]:
    """Units that make skip branches 1, 2, ... (``conv_in`` makes branch 0)."""
    for block in unet.down_blocks:
        for resnet, attention in _pairs(block):
            yield Unit(resnet, attention, None)
        if block.downsamplers is not None:
            yield Unit(None, None, block.downsamplers)


def up_units(unet: UNet) -> Iterator[Unit]:
    """Units that consume skip branches L - 1, ..., 0."""
    for block in unet.up_blocks:
        *pairs, last = _pairs(block)
        for resnet, attention in pairs:
            yield Unit(resnet, attention, None)
        yield Unit(*last, block.upsamplers)


def _pairs(block: Any) -> list[tuple[nn.Module, nn.Module | None]]:
    attentions = getattr(block, "attentions", None) or [None] * len(block.resnets)
    return list(zip(block.resnets, attentions, strict=True))


def count_branches(unet: UNet) -> int:
    """Number L of skip branches."""
    return 1 + sum(1 for _ in down_units(unet))


@apply_lora_scale("cross_attention_kwargs")  # type: ignore[untyped-decorator]
def partial_forward(
    unet: UNet,
    sample: Tensor,
    timestep: Any,
    encoder_hidden_states: Tensor,
    class_labels: Tensor | None = None,
    timestep_cond: Tensor | None = None,
    attention_mask: Tensor | None = None,
    cross_attention_kwargs: dict[str, Any] | None = None,
    added_cond_kwargs: dict[str, Tensor] | None = None,
    down_block_additional_residuals: tuple[Tensor, ...] | None = None,
    mid_block_additional_residual: Tensor | None = None,
    encoder_attention_mask: Tensor | None = None,
    *,
    depth: int | None,
    cut: Tensor | None = None,
    captures: Collection[int] = (),
) -> tuple[Tensor, dict[int, Tensor]]:
    """Recompute the ``depth`` outermost skip branches around ``cut``.

    Arguments up to ``encoder_attention_mask`` are those of ``UNet2DConditionModel.forward``.

    Args:
        depth: number of skip branches to recompute; None recomputes everything.
        cut: the hidden state at cut ``depth``; unused when ``depth`` is None.
        captures: cuts to hand back.

    Returns:
        The output (batch, channels, height, width), and the hidden state at each captured cut.
    """
    sample, condition = condition_of(
        unet,
        sample,
        timestep,
        encoder_hidden_states,
        class_labels=class_labels,
        timestep_cond=timestep_cond,
        attention_mask=attention_mask,
        cross_attention_kwargs=cross_attention_kwargs,
        added_cond_kwargs=added_cond_kwargs,
        encoder_attention_mask=encoder_attention_mask,
    )
    hidden, skips = _down(unet, sample, condition, depth)
    if down_block_additional_residuals is not None:
        residuals = down_block_additional_residuals
        skips = [skip + extra for skip, extra in zip(skips, residuals, strict=False)]
    if depth is None:
        hidden = _middle(unet, hidden, condition)
        if mid_block_additional_residual is not None:
            hidden = hidden + mid_block_additional_residual
    else:
        assert cut is not None
        hidden = cut
    resize = any(side % 2**unet.num_upsamplers for side in sample.shape[-2:])
    hidden, captured = _up(unet, hidden, skips, condition, captures, resize)
    if unet.conv_norm_out:
        hidden = unet.conv_act(unet.conv_norm_out(hidden))
    return unet.conv_out(hidden), captured


def _down(
    unet: UNet, sample: Tensor, condition: Condition, depth: int | None
) -> tuple[Tensor, list[Tensor]]:
    hidden = unet.conv_in(sample)
    skips = [hidden]
    for unit in islice(down_units(unet), None if depth is None else depth - 1):
        hidden = unit.run(hidden, condition)
        for sampler in unit.samplers or ():
            hidden = sampler(hidden)
        skips.append(hidden)
    return hidden, skips


def _middle(unet: UNet, hidden: Tensor, condition: Condition) -> Tensor:
    block = unet.mid_block
    if block is not None:
        attends = getattr(block, "has_cross_attention", False)
        keywords = condition.attention if attends else {}
        hidden = block(hidden, condition.embedding, **keywords)
    return hidden


def _up(
    unet: UNet,
    hidden: Tensor,
    skips: list[Tensor],
    condition: Condition,
    captures: Collection[int],
    resize: bool,
) -> tuple[Tensor, dict[int, Tensor]]:
    """Consume ``skips`` from the last; ``len(skips)`` is the number of the cut that comes next."""
    captured = {}
    for unit in islice(up_units(unet), count_branches(unet) - len(skips), None):
        if len(skips) in captures:
            captured[len(skips)] = hidden
        hidden = unit.run(torch.cat([hidden, skips.pop()], dim=1), condition)
        for sampler in unit.samplers or ():
            hidden = sampler(hidden, skips[-1].shape[2:] if resize else None)
    return hidden, captured
