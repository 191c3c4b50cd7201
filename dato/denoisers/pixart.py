"""The adapter of diffusers' ``PixArtTransformer2DModel``: one residual stream, the image's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from diffusers import PixArtTransformer2DModel
from torch import Tensor, nn

from dato.denoisers.base import inputs_of
from dato.denoisers.pixart_ends import condition_of, finish
from dato.denoisers.transformer import Streams, Transformer, run_blocks


@dataclass(frozen=True)
class PixArtAdapter(Transformer):
    """See :class:`dato.denoisers.base.Adapter`."""

    takes: ClassVar[type[nn.Module]] = PixArtTransformer2DModel
    inputs: ClassVar[tuple[str, ...]] = inputs_of(PixArtTransformer2DModel)
    attentions: ClassVar[tuple[str, ...]] = ("attn1",)
    refused: ClassVar[Mapping[str, str]] = {"attention_mask": "a mask of the self-attentions"}

    def partial(
        self,
        inputs: Mapping[str, Any],
        depth: int | None,
        cut: Tensor | None,
        captures: Collection[int],
    ) -> tuple[Tensor, dict[int, Tensor]]:
        denoiser, blocks = self.denoiser, self.denoiser.transformer_blocks
        sample: Tensor = inputs["hidden_states"]
        hidden = denoiser.pos_embed(sample)
        condition = condition_of(denoiser, inputs, hidden)

        def run(place: int, streams: Streams) -> Streams:
            return (blocks[place](streams[0], **condition.block),)

        (hidden,), cuts = run_blocks(len(blocks), run, (hidden,), depth, cut, captures)
        return finish(denoiser, hidden, condition.moment, sample), cuts
