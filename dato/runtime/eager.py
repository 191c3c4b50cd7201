"""What one call of a run computes, eagerly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from torch import Tensor

from dato.denoisers.base import Adapter
from dato.runtime.run import Run
from dato.runtime.steps import Step


class Compute(Protocol):
    """Computes a call that computes anything: all but those of depth 0."""

    def __call__(
        self, run: Run, step: Step, inputs: Mapping[str, Any], held: Tensor | None
    ) -> tuple[Tensor, dict[int, Tensor]]:
        """The output, and the cuts that the call captures.

        Args:
            inputs: arguments of the denoiser's forward, by name.
            held: the value of the cut that the call starts from; None for a full call.
        """
        ...

    def whole(self, inputs: Mapping[str, Any]) -> Tensor:
        """The output of a call that asks for nothing but the denoiser's own forward, as those of
        a fused run without cuts and pruning do."""
        ...


class Eager:
    """Runs the denoiser's own forward where nothing has to be cut, else the adapter's.

    Args:
        adapter: the denoiser.
        forward: its own forward.
    """

    def __init__(self, adapter: Adapter, forward: Callable[..., Any]) -> None:
        self._adapter = adapter
        self._forward = forward

    def __call__(
        self, run: Run, step: Step, inputs: Mapping[str, Any], held: Tensor | None
    ) -> tuple[Tensor, dict[int, Tensor]]:
        """See :class:`Compute`."""
        if step.depth == "full" and not step.captures:
            return self.whole(inputs), {}
        return self._adapter.partial(inputs, step.inner, held, step.captures)

    def whole(self, inputs: Mapping[str, Any]) -> Tensor:
        """See :class:`Compute`."""
        output: Tensor = self._forward(**{**inputs, "return_dict": False})[0]
        return output
