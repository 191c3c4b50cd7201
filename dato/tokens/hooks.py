"""Prune, attend, recover: hooks around the self-attentions of one layer.

Hooks rather than attention processors, because other tools replace the processors later (LoRA,
IP-Adapter, xFormers, fused projections): with hooks, both they and the pruning stay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from dato.denoisers.base import Site
from dato.errors import UnsupportedError
from dato.tokens.plans import Pruner
from dato.tokens.selection import Plan
from dato.topology import Layer


class PrunedLayer:
    """Hooks on one transformer layer and on the self-attention of each of its blocks.

    Args:
        layer: the layer.
        order: its place in the topology.
        site: its modules.
        pruner: returns the pruner of the current run, or None outside a run.
    """

    def __init__(
        self, layer: Layer, order: int, site: Site, pruner: Callable[[], Pruner | None]
    ) -> None:
        self._layer = layer
        self._order = order
        self._site = site
        self._pruner = pruner
        self._grid: tuple[int, int] = (0, 0)
        self._plan: Plan | None = None

    def attach(self) -> list[RemovableHandle]:
        """Register the hooks; removing the handles undoes everything."""
        site = self._site
        handles = [site.entry.register_forward_pre_hook(self._enter, with_kwargs=True)]
        for attention in site.attentions:
            handles.append(attention.register_forward_pre_hook(self._prune, with_kwargs=True))
            handles.append(attention.register_forward_hook(self._recover))
        return handles

    def _enter(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        hidden = args[0] if args else kwargs["hidden_states"]
        self._grid = self._site.grid(hidden)
        self._plan = None

    def _prune(
        self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        pruner = self._pruner()
        hidden: Tensor = args[0] if args else kwargs["hidden_states"]
        place = (self._layer, self._order, self._grid, hidden)
        self._plan = None if pruner is None else pruner.plan(*place)
        if self._plan is None:
            return None
        if kwargs.get("attention_mask") is not None:
            raise UnsupportedError(
                "A self-attention that this schedule prunes was given an attention_mask.",
                found=self._layer.name,
                remedy="Leave attention_mask out, or use a schedule that does not prune.",
            )
        pruned = self._plan.prune(hidden)
        return (pruned, *args[1:]), {k: v for k, v in kwargs.items() if k != "hidden_states"}

    def _recover(self, _: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor | None:
        plan, self._plan = self._plan, None
        return None if plan is None else plan.recover(output)
