"""What a ``PixArtTransformer2DModel`` does before and after its blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dato.denoisers.base import attention_bias
from dato.denoisers.transformer import unpatchify


@dataclass(frozen=True)
class Condition:
    """The same for every block of one call.

    Args:
        block: keyword arguments of the blocks.
        moment: (batch, channels), the embedded timestep, for the output's modulation.
    """

    block: dict[str, Any]
    moment: Tensor


def condition_of(denoiser: Any, inputs: Mapping[str, Any], hidden: Tensor) -> Condition:
    """Timestep, size and caption, as the blocks take them.

    Args:
        inputs: arguments of the denoiser's forward, by name.
        hidden: the embedded sample.
    """
    added = inputs.get("added_cond_kwargs")
    if denoiser.use_additional_conditions and added is None:
        raise ValueError(
            "The call has no added_cond_kwargs (resolution, aspect_ratio), which this transformer "
            "needs."
        )
    rows = hidden.shape[0]
    modulation, moment = denoiser.adaln_single(
        inputs["timestep"], added, batch_size=rows, hidden_dtype=hidden.dtype
    )
    states = inputs.get("encoder_hidden_states")
    if denoiser.caption_projection is not None:
        states = denoiser.caption_projection(states).view(rows, -1, hidden.shape[-1])
    block = {
        "attention_mask": None,
        "encoder_hidden_states": states,
        "encoder_attention_mask": _bias(inputs.get("encoder_attention_mask"), hidden.dtype),
        "timestep": modulation,
        "cross_attention_kwargs": inputs.get("cross_attention_kwargs"),
        "class_labels": None,
    }
    return Condition(block, moment)


def finish(denoiser: Any, hidden: Tensor, moment: Tensor, sample: Tensor) -> Tensor:
    """The output (batch, channels out, height, width) of what the last block made."""
    table = denoiser.scale_shift_table
    shift, scale = (table[None] + moment[:, None].to(table.device)).chunk(2, dim=1)
    hidden = denoiser.norm_out(hidden) * (1 + scale) + shift
    patch, channels = denoiser.config.patch_size, denoiser.out_channels
    size = (sample.shape[-2], sample.shape[-1])
    return unpatchify(denoiser.proj_out(hidden), patch, channels, size)


def _bias(mask: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """See :func:`attention_bias`; a mask of three dimensions is a bias already."""
    return mask if mask is not None and mask.ndim == 3 else attention_bias(mask, dtype)
