"""The plans of one run: one token selection for each call and level, or for each layer."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from dato.denoisers.base import Canvas
from dato.schedule import Tokens
from dato.tokens.dynamics import Dynamics
from dato.tokens.noise import Noise
from dato.tokens.selection import Plan, Selection, pruned_count, scores, select
from dato.topology import Layer


class Pruner:
    """Makes and remembers the plans of the current call.

    Args:
        tokens: the schedule's settings.
        groups: 2 when the batch is an unconditional and a conditional half, else 1.
        dynamics: the run's dynamics, of the unconditional half.
        noise: the schedule's noise.
        canvas: what the sample holds.
    """

    def __init__(
        self, tokens: Tokens, groups: int, dynamics: Dynamics, noise: Noise, canvas: Canvas
    ) -> None:
        self.canvas = canvas
        self._tokens = tokens
        self.groups = groups
        self._dynamics = dynamics
        self._noise = noise
        self.begin(0, {})

    def begin(self, call: int, ratios: Mapping[str, float]) -> None:
        """Forget the plans of the previous call; ``ratios`` are what this call prunes, by layer."""
        self._call = call
        self._ratios = ratios
        self._rows = self._noise.rows(call) if ratios else {}
        self._selections: dict[str, Selection] = {}
        self._plans: dict[tuple[str, int, int], Plan] = {}

    def prunes(self, layer: Layer) -> bool:
        """Whether the current call prunes a layer."""
        return layer.name in self._ratios

    def plan(
        self, layer: Layer, order: int, grid: tuple[int, int], hidden: Tensor, tokens: int
    ) -> Plan | None:
        """The plan of a layer, or None where the current call prunes nothing.

        Args:
            order: the layer's place in the topology.
            grid: height and width of the layer's tokens.
            hidden: (batch, tokens, channels), the input of its self-attention: text tokens, if
                any, those of the grid, and those of other pictures, if any.
            tokens: of the sequence that is pruned, which has the same tokens but for the text.
        """
        pruned = pruned_count(grid, self._tokens.patch, self._ratios.get(layer.name, 0.0))
        if not pruned:
            return None
        shared = self._tokens.share == "level"
        key = f"level_{layer.level}" if shared else layer.name
        if key not in self._selections:
            place = layer.level if shared else 256 + order
            self._selections[key] = self._select(place, grid, hidden)
        if (key, pruned, tokens) not in self._plans:
            picture, others = grid[0] * grid[1], self.canvas.others
            plan = self._selections[key].plan(pruned).repeat(self.groups)
            self._plans[key, pruned, tokens] = plan.within(tokens - picture - others, others)
        return self._plans[key, pruned, tokens]

    def _select(self, place: int, grid: tuple[int, int], hidden: Tensor) -> Selection:
        tokens = grid[0] * grid[1]
        text = hidden.shape[1] - tokens - self.canvas.others
        images = hidden[: hidden.shape[0] // self.groups, text : text + tokens]
        noise = self._rows.get((place, tokens))
        if noise is None:
            noise = self._noise.draw(self._call, place, tokens)
        dynamics = self._dynamics.pooled(grid)
        score = scores(dynamics, noise, self._tokens)
        return select(images, score, dynamics, grid, self._tokens)
