"""What each call of a run computes, and what is held after it, known before the run starts.

Cut 0 is the output. Cut ``n`` is the hidden state at which a call of depth ``n`` starts (see the
adapters in :mod:`dato.denoisers`). A call of depth ``n`` reads cut ``n`` as earlier calls left it,
and computes every cut below ``n`` anew; a full call computes all. Only the values that a coming
call reads are held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dato.runtime.forecast import Policy
from dato.schedule import Depth, Kind, Schedule, refreshes
from dato.topology import Topology

OUTPUT = 0
"""The cut that is the denoiser's output."""


@dataclass(frozen=True)
class Step:
    """One call: what it computes and what it leaves behind.

    Args:
        depth: see :data:`dato.schedule.Depth`.
        ratios: positive pruning ratio of each layer that the call prunes, by layer name.
        weights: of the held values that the call stands on, the newest first; empty when full.
        holds: how many values of each cut are held after the call, whoever computed them.
        track: whether a coming call's token selection reads the dynamics.
    """

    depth: Depth
    ratios: Mapping[str, float]
    weights: tuple[float, ...]
    holds: Mapping[int, int]
    track: bool

    @property
    def kind(self) -> tuple[Depth, tuple[tuple[str, float], ...]]:
        """What the call computes, whatever it stands on and whatever is held after it."""
        return self.depth, tuple(self.ratios.items())

    @property
    def inner(self) -> int | None:
        """The depth as a number; None for a full call."""
        return None if self.depth == "full" else self.depth

    @property
    def name(self) -> str:
        """The kind, for people."""
        depth = "full" if self.depth == "full" else f"depth {self.depth}"
        return f"{depth}, {len(self.ratios)} layers pruned" if self.ratios else depth

    @property
    def captures(self) -> frozenset[int]:
        """The held cuts that this call itself computes, besides the output."""
        return frozenset(cut for cut in self.holds if cut and refreshes(self.depth, cut))


def plan_steps(schedule: Schedule, topology: Topology, policy: Policy) -> tuple[Step, ...]:
    """The steps of ``schedule`` on a denoiser, one for each call."""
    kinds = [schedule.kind(call) for call in range(schedule.calls)]
    ratios = {kind: topology.ratios(kind) for kind in set(kinds)}
    weights = [
        () if kind.depth == "full" else policy(call, schedule.sources(call))
        for call, kind in enumerate(kinds)
    ]
    held = held_values(schedule, [len(each) for each in weights])
    tracked = _tracked(kinds, ratios) if _reads_dynamics(schedule) else [False] * len(kinds)
    return tuple(
        Step(kind.depth, ratios[kind], *parts)
        for kind, parts in zip(kinds, zip(weights, held, tracked, strict=True), strict=True)
    )


def held_values(schedule: Schedule, counts: Sequence[int]) -> tuple[Mapping[int, int], ...]:
    """How many values of each cut are held after each call.

    Args:
        counts: how many values each call reads.
    """
    last_read: dict[tuple[int, int], int] = {}
    for call, count in enumerate(counts):
        depth = schedule.kind(call).depth
        if depth != "full":
            for source in schedule.sources(call)[:count]:
                last_read[depth, source] = call
    held: list[dict[int, int]] = [{} for _ in counts]
    for (cut, source), last in last_read.items():
        for call in range(source, last):
            held[call][cut] = held[call].get(cut, 0) + 1
    return tuple(held)


def _reads_dynamics(schedule: Schedule) -> bool:
    return schedule.tokens.dynamics_weight > 0 or schedule.tokens.protect > 0


def _tracked(kinds: list[Kind], ratios: Mapping[Kind, Mapping[str, float]]) -> list[bool]:
    pruning = [call for call, kind in enumerate(kinds) if ratios[kind]]
    last = max(pruning, default=-1)
    return [call < last for call in range(len(kinds))]
