"""What the calls of a run do, whatever their kinds are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dato import Kind, Schedule, Tokens, Topology
from dato.schedule import Depth, Forecast, Quantity, refreshes


@dataclass(frozen=True)
class Behaviour:
    """A schedule without the names of its kinds and the weights of its fitted forecasts.

    Args:
        kinds: one for each call.
        tokens: token selection shared by all calls.
        quantity: what outputs are held as.
    """

    kinds: tuple[Kind, ...]
    tokens: Tokens = Tokens()
    quantity: Quantity = "epsilon"

    @classmethod
    def of(cls, schedule: Schedule) -> Behaviour:
        """What ``schedule`` does."""
        kinds = tuple(schedule.kind(call) for call in range(schedule.calls))
        return cls(kinds, schedule.tokens, schedule.quantity)

    @property
    def depths(self) -> tuple[Depth, ...]:
        """Depth of each call."""
        return tuple(kind.depth for kind in self.kinds)

    @property
    def full(self) -> tuple[int, ...]:
        """Numbers of the full calls."""
        return tuple(call for call, depth in enumerate(self.depths) if depth == "full")

    def forecasts(self) -> tuple[Forecast, ...]:
        """What each call forecasts: a straight line through a single value holds it."""
        depths = self.depths
        return tuple(
            "hold" if kind.forecast == "linear" and _values(depths, call) < 2 else kind.forecast
            for call, kind in enumerate(self.kinds)
        )

    def shortest(self) -> Behaviour:
        """The same, where no kind is called linear that holds at all of its calls."""
        lines = {
            kind
            for kind, forecast in zip(self.kinds, self.forecasts(), strict=True)
            if forecast == "linear"
        }
        kinds = tuple(
            replace(kind, forecast="hold")
            if kind.forecast == "linear" and kind not in lines
            else kind
            for kind in self.kinds
        )
        return replace(self, kinds=kinds)

    def literal(self) -> Behaviour:
        """The same, where no call is called linear that holds."""
        kinds = tuple(
            replace(kind, forecast=forecast) if kind.forecast != forecast else kind
            for kind, forecast in zip(self.kinds, self.forecasts(), strict=True)
        )
        return replace(self, kinds=kinds)

    def same_as(self, other: Behaviour, topology: Topology) -> bool:
        """Whether every call does the same in both.

        What outputs are held as is not compared: it belongs to a space as a whole.
        """
        return self._meaning(topology) == other._meaning(topology)

    def _meaning(self, topology: Topology) -> tuple[object, ...]:
        ratios = {kind: topology.ratios(kind) for kind in self.kinds}
        calls = [
            (kind.depth, ratios[kind], forecast)
            for kind, forecast in zip(self.kinds, self.forecasts(), strict=True)
        ]
        return (calls, self.tokens if any(ratios.values()) else None)


def _values(depths: Sequence[Depth], call: int) -> int:
    """How many earlier calls computed what ``call`` stands on; 0 for a full call."""
    depth = depths[call]
    return 0 if depth == "full" else sum(refreshes(other, depth) for other in depths[:call])
