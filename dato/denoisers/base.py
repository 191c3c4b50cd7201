"""What the engine needs to know of a denoiser family; one small adapter for each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

from torch import Tensor, nn

from dato.topology import Layer, Topology


@dataclass(frozen=True)
class Site:
    """Where the tokens of one prunable layer live.

    Args:
        entry: its input (batch, channels, height, width) tells the layer's grid.
        patch: side of the square of input positions that becomes one token.
        attentions: the self-attention of each transformer block of the layer.
    """

    entry: nn.Module
    patch: int
    attentions: tuple[nn.Module, ...]

    def grid(self, entered: Tensor) -> tuple[int, int]:
        """Height and width in tokens of what entered ``entry``."""
        return entered.shape[2] // self.patch, entered.shape[3] // self.patch


class Adapter(Protocol):
    """One denoiser, seen by the engine.

    A call of depth ``n`` recomputes the ``n`` outermost parts around cut ``n``, a hidden state (or
    a change of it) that an earlier call left; it recomputes every cut below its own depth too.
    """

    takes: ClassVar[type[nn.Module]]
    """Class of the denoisers; a subclass with a forward of its own is not taken."""

    inputs: ClassVar[tuple[str, ...]]
    """Parameters of the denoiser's forward, in order; the first is the noisy sample."""

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
        """Refuse what stands on the denoiser now and a forward from a cut would pass by.

        Raises:
            UnsupportedError: naming the part and the feature.
        """
        ...

    def check_inputs(self, inputs: Mapping[str, Any]) -> None:
        """Refuse arguments of ``forward`` that change a recomputed part from outside.

        Raises:
            UnsupportedError: naming the argument.
        """
        ...

    def partial(
        self,
        inputs: Mapping[str, Any],
        depth: int | None,
        cut: Tensor | None,
        captures: Collection[int],
    ) -> tuple[Tensor, dict[int, Tensor]]:
        """The output, recomputing ``depth`` outermost parts around ``cut``; None: everything.

        Args:
            inputs: arguments of the denoiser's forward, by name.
            captures: cuts to hand back.

        Returns:
            The output (batch, channels, height, width), and each captured cut.
        """
        ...

    def result(self, output: Tensor) -> Any:
        """The output in the class that the denoiser's forward returns."""
        ...
