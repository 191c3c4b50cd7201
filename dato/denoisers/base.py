"""What the engine needs to know of a denoiser family. Each family has one small adapter."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor, nn

from dato.denoisers.own_forward import foreign_forward
from dato.errors import UnsupportedError
from dato.topology import Layer, Topology


@dataclass(frozen=True)
class Canvas:
    """What a denoiser's sample holds, besides rows and channels.

    Args:
        height, width: of the latents that are denoised.
        others: tokens behind theirs that belong to other pictures (the reference of FLUX Kontext).
    """

    height: int
    width: int
    others: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width


@dataclass(frozen=True)
class Site:
    """The modules of one prunable layer.

    Args:
        entry: the module whose input (batch, channels, height, width) gives the layer's grid; None
            where all layers have the grid of the latents.
        patch: side of the square of input positions that becomes one token.
        attentions: the self-attention of each transformer block of the layer. Its input may hold
            text tokens before those of the grid, and its output may be a tuple: what is said of
            the grid's tokens first, and what is said of the text second.
        blocks: the transformer blocks, which call the attentions.
    """

    entry: nn.Module | None
    patch: int
    attentions: tuple[nn.Module, ...]
    blocks: tuple[nn.Module, ...]

    def grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width in tokens, of those in positions."""
        return size[0] // self.patch, size[1] // self.patch

    def check(self, name: str) -> None:
        """Refuse to prune a layer in which another tool runs, which may drop tokens too.

        Args:
            name: of the layer.

        Raises:
            UnsupportedError: naming the layer and the tool's function.
        """
        entries = () if self.entry is None else (self.entry,)
        for module in (*entries, *self.blocks, *self.attentions):
            foreign = foreign_forward(module)
            if foreign is not None:
                raise UnsupportedError(
                    f"The schedule prunes a layer that runs another tool's code: {foreign} in "
                    f"{name}.",
                    remedy="Undo the other tool, or use a schedule that does not prune.",
                )


class Adapter(Protocol):
    """One denoiser, seen by the engine.

    A call of depth ``n`` recomputes the ``n`` outermost parts around cut ``n``, which is a hidden
    state (or a change of one) that an earlier call left. On its way the call also computes every
    cut below ``n`` anew.
    """

    takes: ClassVar[type[nn.Module]]
    """Class of the denoisers; a subclass with a forward of its own is not taken."""

    inputs: ClassVar[tuple[str, ...]]
    """Parameters of the denoiser's forward, in order; the first is the noisy sample."""

    guided: ClassVar[bool]
    """Whether pipelines put an unconditional and a conditional half into one batch."""

    flow: ClassVar[bool]
    """Whether such denoisers are trained by flow matching, all that are published."""

    @property
    def denoiser(self) -> Any:
        """The module itself."""
        ...

    @classmethod
    def of(cls, denoiser: Any) -> Self:
        """The adapter of a denoiser of class ``takes``."""
        ...

    def topology(self) -> Topology:
        """Skip branches and prunable layers.

        Raises:
            UnsupportedError: the denoiser has parts that this adapter does not know.
        """
        ...

    def site(self, layer: Layer) -> Site:
        """The modules of a layer of the topology."""
        ...

    def check(self) -> None:
        """Refuse what is attached to the denoiser and would not run in a forward from a cut.

        Raises:
            UnsupportedError: naming the part and the feature.
        """
        ...

    def check_inputs(self, inputs: Mapping[str, Any]) -> None:
        """Refuse arguments of ``forward`` that would change a recomputed part from outside.

        Raises:
            UnsupportedError: naming the argument.
        """
        ...

    def canvas(self, inputs: Mapping[str, Any]) -> Canvas:
        """What the sample of a run's first call holds; may wait for the device."""
        ...

    def picture(self, value: Tensor, canvas: Canvas) -> Tensor:
        """A sample or an output as (batch, channels, height, width), at any scale."""
        ...

    def timestep(self, inputs: Mapping[str, Any]) -> Any:
        """The timestep of a call, in the sampler's own units."""
        ...

    def partial(
        self,
        inputs: Mapping[str, Any],
        depth: int | None,
        cut: Tensor | None,
        captures: Collection[int],
    ) -> tuple[Tensor, dict[int, Tensor]]:
        """The output, from the ``depth`` outermost parts recomputed around ``cut``.

        Args:
            inputs: arguments of the denoiser's forward, by name.
            depth: None recomputes everything.
            cut: the value of cut ``depth``; unused when ``depth`` is None.
            captures: cuts to hand back.

        Returns:
            The output in the shape of the sample, and each captured cut.
        """
        ...

    def result(self, output: Tensor) -> Any:
        """The output in the class that the denoiser's forward returns."""
        ...


def inputs_of(denoiser: type[nn.Module]) -> tuple[str, ...]:
    """Names of what a denoiser's forward takes, the sample first."""
    return tuple(inspect.signature(denoiser.forward).parameters)[1:]


class Spatial:
    """The same for all denoisers of a (batch, channels, height, width) sample."""

    inputs: ClassVar[tuple[str, ...]]
    guided: ClassVar[bool] = True
    flow: ClassVar[bool] = False

    def canvas(self, inputs: Mapping[str, Any]) -> Canvas:
        """See :class:`Adapter`."""
        height, width = inputs[self.inputs[0]].shape[-2:]
        return Canvas(height, width)

    def picture(self, value: Tensor, canvas: Canvas) -> Tensor:
        """See :class:`Adapter`."""
        return value

    def timestep(self, inputs: Mapping[str, Any]) -> Any:
        """See :class:`Adapter`."""
        return inputs["timestep"]


def attention_bias(mask: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """A (batch, keys) mask as the (batch, 1, keys) bias that diffusers' attentions expect."""
    return None if mask is None else ((1 - mask.to(dtype)) * -10000.0).unsqueeze(1)
