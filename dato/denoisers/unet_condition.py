"""What every unit of a UNet call is conditioned on: time, labels, text and masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from dato.denoisers.base import attention_bias

UNet: TypeAlias = Any
"""A diffusers ``UNet2DConditionModel``, which has no types."""


@dataclass(frozen=True)
class Condition:
    """The same for every unit of one call.

    Args:
        embedding: (batch, channels), for the resnets.
        attention: keyword arguments of the attention layers and of the middle block.
    """

    embedding: Tensor
    attention: dict[str, Any]


def condition_of(
    unet: UNet,
    sample: Tensor,
    timestep: Any,
    encoder_hidden_states: Tensor,
    *,
    class_labels: Tensor | None,
    timestep_cond: Tensor | None,
    attention_mask: Tensor | None,
    cross_attention_kwargs: dict[str, Any] | None,
    added_cond_kwargs: dict[str, Tensor] | None,
    encoder_attention_mask: Tensor | None,
) -> tuple[Tensor, Condition]:
    """The input of ``conv_in`` and the condition; arguments as in the UNet's ``forward``."""
    attention = {
        "attention_mask": attention_bias(attention_mask, sample.dtype),
        "cross_attention_kwargs": cross_attention_kwargs,
        "encoder_attention_mask": attention_bias(encoder_attention_mask, sample.dtype),
    }
    if unet.config.center_input_sample:
        sample = 2 * sample - 1.0
    embedding = unet.time_embedding(unet.get_time_embed(sample, timestep), timestep_cond)
    labels = unet.get_class_embed(sample, class_labels)
    if labels is not None and unet.config.class_embeddings_concat:
        embedding = torch.cat([embedding, labels], dim=-1)
    elif labels is not None:
        embedding = embedding + labels
    extra = unet.get_aug_embed(embedding, encoder_hidden_states, added_cond_kwargs)
    if unet.config.addition_embed_type == "image_hint":
        extra, hint = extra
        sample = torch.cat([sample, hint], dim=1)
    if extra is not None:
        embedding = embedding + extra
    if unet.time_embed_act is not None:
        embedding = unet.time_embed_act(embedding)
    states = unet.process_encoder_hidden_states(encoder_hidden_states, added_cond_kwargs)
    return sample, Condition(embedding, attention | {"encoder_hidden_states": states})
