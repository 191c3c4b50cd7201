"""What the adapters of all diffusion transformers share.

Their ``N`` blocks have no skip branches. Depth ``n`` recomputes the first ``n`` and the last ``n``
blocks. In place of the blocks between them it adds what they added to the residual streams when
they last ran (Delta-DiT, arXiv 2406.01125, section 4.1). The change is kept rather than the hidden
state, so that the work of the first blocks on the new sample counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from diffusers.models.modeling_outputs import Transformer2DModelOutput
from torch import Tensor, nn

from dato.denoisers.base import Site, Spatial
from dato.denoisers.own_forward import own_forward
from dato.errors import UnsupportedError
from dato.topology import Layer, Topology

Streams = tuple[Tensor, ...]
"""The residual streams, (batch, tokens, channels) each: the text's where blocks write it, then the
image's."""


@dataclass(frozen=True)
class Transformer(Spatial):
    """See :class:`dato.denoisers.base.Adapter`; a family adds its names and its ``partial``.

    Cut ``n`` is what all blocks but the ``n`` first and the ``n`` last added to the streams, one
    behind the other: (batch, tokens of all streams, channels).
    """

    block_lists: ClassVar[tuple[str, ...]] = ("transformer_blocks",)
    """Where the blocks are, in the order in which they run."""

    attentions: ClassVar[tuple[str, ...]]
    """Self-attentions of a block; one that a block lacks is None there."""

    refused: ClassVar[Mapping[str, str]] = {}
    """Arguments of the denoiser's forward that no schedule can honour, with what they are for."""

    denoiser: Any

    @classmethod
    def of(cls, denoiser: Any) -> Self:
        return cls(denoiser)

    def blocks(self) -> dict[str, nn.Module]:
        """Every block by its name, in the order in which they run."""
        return {
            f"{name}.{place}": block
            for name in self.block_lists
            for place, block in enumerate(getattr(self.denoiser, name))
        }

    def topology(self) -> Topology:
        """One layer for each block; at least one block is inside the deepest cut."""
        self.check()
        names = list(self.blocks())
        last = len(names) - 1
        layers = (Layer(name, 0, min(place, last - place)) for place, name in enumerate(names))
        return Topology(last // 2, tuple(layers))

    def site(self, layer: Layer) -> Site:
        block = self.denoiser.get_submodule(layer.name)
        attentions = (getattr(block, name, None) for name in self.attentions)
        return Site(
            None, self.patch, tuple(each for each in attentions if each is not None), (block,)
        )

    @property
    def patch(self) -> int:
        """Side of the square of latents that becomes one token."""
        side: int = self.denoiser.config.patch_size
        return side

    def check(self) -> None:
        for name, block in self.blocks().items():
            if getattr(own_forward(block), "__func__", None) is not type(block).forward:
                raise UnsupportedError(
                    f"The transformer's block {name} no longer runs its own forward.",
                    remedy="Remove what replaced it (another cache), then apply again.",
                )

    def check_inputs(self, inputs: Mapping[str, Any]) -> None:
        for name, purpose in self.refused.items():
            if inputs.get(name) is not None:
                raise UnsupportedError(
                    f"The transformer was given {name} ({purpose}), which no schedule can honour.",
                    remedy="Leave it out, or run without a schedule.",
                )

    def result(self, output: Tensor) -> Transformer2DModelOutput:
        return Transformer2DModelOutput(sample=output)


def run_blocks(
    count: int,
    run: Callable[[int, Streams], Streams],
    streams: Streams,
    depth: int | None,
    cut: Tensor | None,
    captures: Collection[int],
) -> tuple[Streams, dict[int, Tensor]]:
    """Run all blocks, or the ``depth`` outermost on each side and ``cut`` in place of the rest.

    Args:
        count: number of blocks; ``run`` runs one of them, by its place.

    Returns:
        The streams, and for each captured cut ``n`` the change that it stands for.
    """
    entered: dict[int, Streams] = {}
    changes: dict[int, Tensor] = {}
    for place in range(count):
        if place in captures:
            entered[place] = streams
        if depth is None or place < depth or place >= count - depth:
            streams = run(place, streams)
        elif place == depth:
            assert cut is not None
            streams = _changed(streams, cut)
        inner = count - 1 - place
        if inner in entered:
            changes[inner] = _change(entered.pop(inner), streams)
    return streams, changes


def unpatchify(hidden: Tensor, patch: int, channels: int, size: tuple[int, int]) -> Tensor:
    """(batch, tokens, patch * patch * channels) to (batch, channels, height, width).

    Args:
        size: height and width of the sample.
    """
    height, width = (side // patch for side in size)
    parts = hidden.reshape(-1, height, width, patch, patch, channels)
    parts = torch.einsum("nhwpqc->nchpwq", parts)
    return parts.reshape(-1, channels, height * patch, width * patch)


def _change(before: Streams, after: Streams) -> Tensor:
    changes = [new - old for old, new in zip(before, after, strict=True)]
    return changes[0] if len(changes) == 1 else torch.cat(changes, 1)


def _changed(streams: Streams, change: Tensor) -> Streams:
    parts = change.split([stream.shape[1] for stream in streams], 1)
    return tuple(stream + part for stream, part in zip(streams, parts, strict=True))
