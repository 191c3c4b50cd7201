"""The adapter of diffusers' ``PixArtTransformer2DModel``: a diffusion transformer.

Its ``N`` equal blocks have no skip branches. Depth ``n`` recomputes the first ``n`` and the last
``n`` blocks. In place of the blocks between them it adds what they added to the residual stream
when they last ran (Delta-DiT, arXiv 2406.01125, section 4.1). The sum is kept rather than the
hidden state, so that the work of the first blocks on the new sample counts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from diffusers import PixArtTransformer2DModel
from diffusers.models.modeling_outputs import Transformer2DModelOutput
from torch import Tensor, nn

from dato.denoisers.base import Site
from dato.denoisers.pixart_ends import condition_of, embed, unpatchify
from dato.errors import UnsupportedError
from dato.topology import Layer, Topology


@dataclass(frozen=True)
class TransformerAdapter:
    """See :class:`dato.denoisers.base.Adapter`.

    Cut ``n`` is what all blocks but the ``n`` first and the ``n`` last added to the hidden state:
    (batch, tokens, channels).
    """

    takes: ClassVar[type[nn.Module]] = PixArtTransformer2DModel
    inputs: ClassVar[tuple[str, ...]] = tuple(
        inspect.signature(PixArtTransformer2DModel.forward).parameters
    )[1:]

    denoiser: Any

    @classmethod
    def of(cls, denoiser: Any) -> Self:
        return cls(denoiser)

    def topology(self) -> Topology:
        """One layer for each block; at least one block is inside the deepest cut."""
        self.check()
        blocks = len(self.denoiser.transformer_blocks)
        layers = (
            Layer(f"transformer_blocks.{place}", 0, min(place, blocks - 1 - place))
            for place in range(blocks)
        )
        return Topology((blocks - 1) // 2, tuple(layers))

    def site(self, layer: Layer) -> Site:
        block: Any = self.denoiser.get_submodule(layer.name)
        patch: int = self.denoiser.config.patch_size
        return Site(self.denoiser.pos_embed, patch, (block.attn1,))

    def check(self) -> None:
        for name, block in self.denoiser.transformer_blocks.named_children():
            patched = getattr(block.forward, "__func__", None) is not type(block).forward
            if patched:
                raise UnsupportedError(
                    "A block of the transformer no longer runs its own forward.",
                    found=f"another forward in transformer_blocks.{name}",
                    remedy="Remove what replaced it (another cache), then apply again.",
                )

    def check_inputs(self, inputs: Mapping[str, Any]) -> None:
        if inputs.get("attention_mask") is not None:
            raise UnsupportedError(
                "The transformer was given an attention_mask, which no schedule can honour.",
                remedy="Leave it out, or run without a schedule.",
            )

    def partial(
        self,
        inputs: Mapping[str, Any],
        depth: int | None,
        cut: Tensor | None,
        captures: Collection[int],
    ) -> tuple[Tensor, dict[int, Tensor]]:
        denoiser = self.denoiser
        sample: Tensor = inputs["hidden_states"]
        hidden = embed(denoiser, sample)
        condition = condition_of(denoiser, inputs, hidden)
        hidden, cuts = run_blocks(
            denoiser.transformer_blocks,
            lambda block, hidden: block(hidden, **condition.block),
            hidden,
            depth,
            cut,
            captures,
        )
        return unpatchify(denoiser, hidden, condition.moment, sample), cuts

    def result(self, output: Tensor) -> Transformer2DModelOutput:
        return Transformer2DModelOutput(sample=output)


def run_blocks(
    blocks: nn.ModuleList,
    run: Callable[[nn.Module, Tensor], Tensor],
    hidden: Tensor,
    depth: int | None,
    cut: Tensor | None,
    captures: Collection[int],
) -> tuple[Tensor, dict[int, Tensor]]:
    """Run all blocks, or the ``depth`` outermost on each side and ``cut`` in place of the rest.

    Returns:
        The hidden state, and for each captured cut ``n`` the sum that it stands for.
    """
    count = len(blocks)
    entered: dict[int, Tensor] = {}
    sums: dict[int, Tensor] = {}
    for place, block in enumerate(blocks):
        if place in captures:
            entered[place] = hidden
        if depth is None or place < depth or place >= count - depth:
            hidden = run(block, hidden)
        elif place == depth:
            assert cut is not None
            hidden = hidden + cut
        inner = count - 1 - place
        if inner in entered:
            sums[inner] = hidden - entered.pop(inner)
    return hidden, sums
