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

    Raises:
        UnsupportedError: another tool runs in the layer.
    """

    def __init__(self, layer: Layer, order: int, site: Site) -> None:
        site.check(layer.name)
        self._layer = layer
        self._order = order
        self._site = site
        self._pruner: Callable[[], Pruner | None] = lambda: None
        self._grid: tuple[int, int] = (0, 0)
        self._plan: Plan | None = None

    def attach(self, pruner: Callable[[], Pruner | None]) -> list[RemovableHandle]:
        """Register the hooks; removing the handles undoes everything.

        Args:
            pruner: returns the pruner of the current run, or None outside a run.
        """
        self._pruner = pruner
        site, handles = self._site, []
        if site.entry is not None:
            handles.append(site.entry.register_forward_pre_hook(self._enter, with_kwargs=True))
        for attention in site.attentions:
            handles.append(attention.register_forward_pre_hook(self._prune, with_kwargs=True))
            handles.append(attention.register_forward_hook(self._recover))
        return handles

    def _enter(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        hidden = args[0] if args else kwargs["hidden_states"]
        self._grid = self._site.grid((hidden.shape[2], hidden.shape[3]))
        self._plan = None

    def _prune(
        self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        pruner = self._pruner()
        hidden: Tensor = args[0] if args else kwargs["hidden_states"]
        self._plan = None if pruner is None else self._planned(pruner, hidden, hidden.shape[1])
        if pruner is None or self._plan is None:
            return None
        if kwargs.get("attention_mask") is not None:
            raise UnsupportedError(
                f"The self-attention {self._layer.name}, which this schedule prunes, was given an "
                "attention_mask.",
                remedy="Leave attention_mask out, or use a schedule that does not prune.",
            )
        rest = {name: value for name, value in kwargs.items() if name != "hidden_states"}
        tables = rest.get("image_rotary_emb")
        if tables is not None:
            # They have a row for every text token, whether the attention's input has it or not.
            plan = self._planned(pruner, hidden, len(tables[0]))
            assert plan is not None
            rest["image_rotary_emb"] = tuple(KeptRows(table[plan.keep]) for table in tables)
        return (self._plan.prune(hidden), *args[1:]), rest

    def _planned(self, pruner: Pruner, hidden: Tensor, tokens: int) -> Plan | None:
        """The plan for a sequence of ``tokens`` that ends as the attention's input does."""
        if not pruner.prunes(self._layer):
            return None
        spatial = self._site.entry is not None
        grid = self._grid if spatial else self._site.grid(pruner.canvas.size)
        expected, count = grid[0] * grid[1] + pruner.canvas.others, hidden.shape[1]
        if count < expected or (spatial and count > expected):
            raise UnsupportedError(
                f"The self-attention {self._layer.name}, which this schedule prunes, has {count} "
                f"tokens instead of {expected}.",
                remedy="Undo the tool that merges tokens, or use a schedule that does not prune.",
            )
        return pruner.plan(self._layer, self._order, grid, hidden, tokens)

    def _recover(self, _: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        plan, self._plan = self._plan, None
        if plan is None:
            return None
        if isinstance(output, tuple):
            picture, text, *more = output
            return (plan.recover(picture), text, *map(plan.recover, more))
        return plan.recover(output)


class KeptRows:
    """A rotary table (rows, tokens, channels) whose rows have other tokens each.

    An attention adds the axes that a (tokens, channels) table lacks: ``table[None, :, None, :]``.
    This one has the first of them already.
    """

    def __init__(self, table: Tensor) -> None:
        self._table = table

    def __getitem__(self, axes: tuple[Any, ...]) -> Tensor:
        if not isinstance(axes, tuple) or axes[0] is not None:
            raise UnsupportedError(
                "An attention that this schedule prunes reads its rotary positions at "
                f"{axes!r}, and not row by row.",
                remedy="Put diffusers' attention processors back, or prune nothing.",
            )
        return self._table[(slice(None), *axes[1:])]
