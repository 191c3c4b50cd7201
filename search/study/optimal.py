"""Schedules of least predicted damage at every latency, by dynamic programming.

The state after call t is (s, c, depth): the last full call s, the last call c that computed
anything, and its depth. With the time spent so far it holds all that the damage and the cost of
the next call depend on, so that the best way to reach a state is all that has to be kept of it.
Time is counted in whole parts of a full call.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dato import Kind, Schedule
from search.sensitivity.table import Sensitivity

SPEEDUPS = (1.3, 12.0)
"""Where warm starts are wanted: below, little is gained; above, little is left of the images."""

Goal = Literal["total", "worst"]
"""Least sum of the calls' damages, or least damage of the worst call."""

PARTS, WIDTH = 32, 1600
"""Parts of a full call that costs are rounded to, fewer where a run would have more than WIDTH.
Whoever asks prices the schedules exactly."""

Array = NDArray[np.float32]
Places = NDArray[np.int32]


@dataclass(frozen=True)
class Planned:
    """A schedule that the dynamic programme found.

    Args:
        depths: one for each call, ``"full"`` or an integer.
        cost: in parts of a full call. damage: total or worst, as asked.
    """

    depths: tuple[int | Literal["full"], ...]
    cost: int
    damage: float

    def schedule(self) -> Schedule:
        """The schedule, unpruned."""
        names = ["reuse" if depth == 0 else str(depth) for depth in self.depths]
        kinds = {name: Kind(depth) for name, depth in zip(names, self.depths, strict=True)}
        return Schedule(kinds, tuple(names))


def optimal(
    sensitivity: Sensitivity, costs: Mapping[str, float], goal: Goal = "total"
) -> tuple[Planned, ...]:
    """The schedule of least damage for every cost at which that is less than for any lower cost.

    Args:
        sensitivity: predicts damage; its depths above 0 are the kinds beside full and reuse.
        costs: of a call by depth, ``"full"``, ``"0"`` and up, in any unit.

    Returns:
        by rising cost and falling damage, from one full call to all of them.
    """
    unit = max(4, min(PARTS, WIDTH // sensitivity.calls)) / costs["full"]
    parts = {name: max(round(unit * value), 0) for name, value in costs.items()}
    return _Programme(sensitivity, parts, goal).solve()


def planned_starts(
    sensitivity: Sensitivity, costs: Mapping[str, float], count: int
) -> tuple[Planned, ...]:
    """``count`` schedules evenly spread over the logarithm of speed-up within :data:`SPEEDUPS`.

    The fastest first: they cost least to evaluate. The goals take turns, as none of them ranks
    schedules better throughout.
    """
    goals: tuple[Goal, Goal] = ("total", "worst")
    plans = [optimal(sensitivity, costs, goal) for goal in goals[:count]]
    low, high = (math.log(value) for value in SPEEDUPS)
    chosen: list[Planned] = []
    for place in range(count):
        wanted = high - (high - low) * place / max(count - 1, 1)
        plan = plans[place % 2]
        slowest = plan[-1].cost
        chosen.append(min(plan, key=lambda own: abs(math.log(slowest / own.cost) - wanted)))
    return tuple(dict.fromkeys(chosen))


class _Programme:
    """One run of the dynamic programme.

    ``best[s, c, k, b]`` is the least damage of a run so far that spent b parts and stands in state
    (s, c, depths[k]). A call that repeats the output stays in its state, so only the calls that
    compute something note where they came from.
    """

    def __init__(self, sensitivity: Sensitivity, parts: Mapping[str, int], goal: Goal) -> None:
        self.damage = sensitivity.damage
        self.calls = sensitivity.calls
        self.depths: Sequence[int | Literal["full"]] = [
            "full",
            *sorted(depth for depth in self.damage if depth),
        ]
        self.parts = parts
        self.add = np.add if goal == "total" else np.maximum
        self.width = self.calls * max(parts[str(depth)] for depth in [*self.depths, 0]) + 1
        self.origins: dict[tuple[int, int, int], Places] = {}

    def solve(self) -> tuple[Planned, ...]:
        n, kinds = self.calls, len(self.depths)
        best = np.full((n, n, kinds, self.width), np.inf, dtype=np.float32)
        best[0, 0, 0, min(self.parts["full"], self.width - 1)] = 0.0
        for call in range(1, n):
            self._advance(best, call)
        flat = best.reshape(-1, self.width)
        ends, least = flat.argmin(0), flat.min(0)
        found: list[Planned] = []
        for cost in range(self.width):
            if least[cost] < (found[-1].damage if found else np.inf):
                depths = self._trace(int(ends[cost]), cost)
                found.append(Planned(depths, cost, float(least[cost])))
        return tuple(found)

    def _advance(self, best: Array, call: int) -> None:
        """Turn the states after ``call - 1`` into those after ``call``, in place."""
        arrived = {
            depth: self._computed(best, call, kind) for kind, depth in enumerate(self.depths)
        }
        shift = self.parts["0"]
        for full in range(call):
            for source in range(full, call):
                for kind, depth in enumerate(self.depths):
                    lost = self.damage[0][call, call - source]
                    if depth != "full":
                        lost += self.damage[depth][source, source - full]
                    kept = best[full, source, kind]
                    best[full, source, kind] = _later(self.add(kept, lost), shift)
        for kind, depth in enumerate(self.depths):
            for full, values in arrived[depth].items():
                best[full, call, kind] = values

    def _computed(self, best: Array, call: int, kind: int) -> dict[int, Array]:
        """Values by last full call of the states in which ``call`` computes ``depths[kind]``."""
        depth, found = self.depths[kind], {}
        if depth == "full":
            flat = best[:call, :call].reshape(-1, self.width)
            found[call] = self._arrive(flat, call, call, kind, 0.0)
            return found
        for full in range(call):
            flat = best[full, full:call].reshape(-1, self.width)
            lost = float(self.damage[depth][call, call - full])
            found[full] = self._arrive(flat, full, call, kind, lost)
        return found

    def _arrive(self, flat: Array, full: int, call: int, kind: int, lost: float) -> Array:
        shift = self.parts[str(self.depths[kind])]
        self.origins[full, call, kind] = flat.argmin(0).astype(np.int32)
        return _later(self.add(flat.min(0), lost), shift)

    def _trace(self, state: int, cost: int) -> tuple[int | Literal["full"], ...]:
        """The calls that led to a state, read backwards."""
        n, kinds = self.calls, len(self.depths)
        full, source, kind = _unravel(state, (n, n, kinds))
        depths: list[int | Literal["full"]] = [0] * n
        last = n - 1
        while True:
            cost -= self.parts["0"] * (last - source)
            depths[source] = depth = self.depths[kind]
            if source == 0:
                return tuple(depths)
            cost -= self.parts[str(depth)]
            last = source - 1
            origin = int(self.origins[full, source, kind][cost])
            if depth == "full":
                full, source, kind = _unravel(origin, (source, source, kinds))
            else:
                step, kind = _unravel(origin, (source - full, kinds))
                source = full + step


def _unravel(index: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(value) for value in np.unravel_index(index, shape))


def _later(values: Array, shift: int) -> Array:
    """``values`` by time spent, after spending ``shift`` more."""
    if shift == 0:
        return values
    moved = np.full_like(values, np.inf)
    moved[shift:] = values[:-shift]
    return moved
