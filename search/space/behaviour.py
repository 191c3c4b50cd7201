"""What the calls of a run do, whatever their kinds are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dato import Kind, Schedule, Tokens, Topology
from dato.schedule import Depth, Forecast, Quantity, refreshes
from search.space.slopes import (
    CLOSE,
    LINE,
    Slopes,
    Timesteps,
    evenly_spaced,
    is_line,
    straight,
)


@dataclass(frozen=True)
class Behaviour:
    """A schedule without the names of its kinds and the weights of its fitted forecasts.

    Args:
        kinds: one for each call.
        tokens: token selection shared by all calls.
        quantity: what outputs are held as.
        slopes: how far along their straight lines outputs go.
    """

    kinds: tuple[Kind, ...]
    tokens: Tokens = Tokens()
    quantity: Quantity = "epsilon"
    slopes: Slopes = LINE

    @classmethod
    def of(cls, schedule: Schedule, timesteps: Timesteps = evenly_spaced) -> Behaviour:
        """What ``schedule`` does in a run whose lines are drawn over ``timesteps``."""
        found, slopes = straight(schedule, timesteps(schedule.calls))
        kinds = tuple(found.kind(call) for call in range(found.calls))
        return cls(kinds, found.tokens, found.quantity, slopes)

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
        own, others = self.shares(), other.shares()
        near = (abs(own.get(call, 0.0) - others.get(call, 0.0)) < CLOSE for call in own | others)
        return self._meaning(topology) == other._meaning(topology) and all(near)

    def shares(self) -> dict[int, float]:
        """How far along its straight line each output goes that has one."""
        return {
            call: self.slopes.at(call, len(self.kinds))
            for call, forecast in enumerate(self.forecasts())
            if forecast == "linear" and self.kinds[call].depth == 0
        }

    def settled(self) -> Behaviour:
        """The same, where lines that go nowhere are held, and slopes that change nothing are 1."""
        shares = self.shares().values()
        if shares and max(shares) < CLOSE:
            kinds = tuple(
                replace(kind, forecast="hold") if is_line(kind) else kind for kind in self.kinds
            )
            return replace(self, kinds=kinds, slopes=LINE)
        same = all(abs(share - 1) < CLOSE for share in shares)
        return replace(self, slopes=LINE) if same else self

    def _meaning(self, topology: Topology) -> tuple[object, ...]:
        ratios = {kind: topology.ratios(kind) for kind in self.kinds}
        shares = self.shares()
        calls = [
            (kind.depth, ratios[kind], "hold" if shares.get(call, 1.0) < CLOSE else forecast)
            for call, (kind, forecast) in enumerate(zip(self.kinds, self.forecasts(), strict=True))
        ]
        return (calls, self.tokens if any(ratios.values()) else None)


def _values(depths: Sequence[Depth], call: int) -> int:
    """How many earlier calls computed what ``call`` stands on; 0 for a full call."""
    depth = depths[call]
    return 0 if depth == "full" else sum(refreshes(other, depth) for other in depths[:call])
