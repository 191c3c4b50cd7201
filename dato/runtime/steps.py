"""What each call of a run has to remember for the calls after it, known before the run starts.

Cut ``n`` is the hidden state that enters the up unit which consumes skip branch ``n - 1``, before
the concatenation; a call of depth ``n`` starts there. A call recomputes, and so refreshes, every
cut below its own depth (a full call: all of them). Only the cuts that a coming call reads before
they are next refreshed are held.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from dato.schedule import Depth, Kind, Schedule
from dato.topology import Topology


@dataclass(frozen=True)
class Step:
    """One call: what it computes and what it leaves behind.

    Args:
        depth: see :data:`dato.schedule.Depth`.
        ratios: positive pruning ratio of each layer that the call prunes, by layer name.
        cuts: cuts held after the call, computed by it or earlier.
        keep_output: whether the next call reuses this call's output.
        track: whether a coming call's token selection reads the dynamics.
    """

    depth: Depth
    ratios: Mapping[str, float]
    cuts: frozenset[int]
    keep_output: bool
    track: bool

    @property
    def kind(self) -> tuple[Depth, tuple[tuple[str, float], ...]]:
        """What the call does, whatever has to be remembered after it."""
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
        """The held cuts that this call itself recomputes."""
        return frozenset(cut for cut in self.cuts if refreshes(self.depth, cut))


def refreshes(depth: Depth, cut: int) -> bool:
    """Whether a call of ``depth`` recomputes the hidden state at ``cut``."""
    return (math.inf if depth == "full" else depth) > cut


def held_cuts(depths: tuple[Depth, ...]) -> tuple[frozenset[int], ...]:
    """Cuts that are held after each call of a sequence of depths."""
    held: list[frozenset[int]] = []
    needed: frozenset[int] = frozenset()
    for depth in reversed(depths):
        held.append(needed)
        read = frozenset() if depth in ("full", 0) else frozenset((int(depth),))
        needed = frozenset(cut for cut in needed if not refreshes(depth, cut)) | read
    return tuple(reversed(held))


def plan_steps(schedule: Schedule, topology: Topology) -> tuple[Step, ...]:
    """The steps of ``schedule`` on a denoiser, one for each call."""
    kinds = [schedule.kind(call) for call in range(schedule.calls)]
    ratios = {kind: topology.ratios(kind) for kind in set(kinds)}
    cuts = held_cuts(tuple(kind.depth for kind in kinds))
    tracked = _tracked(kinds, ratios) if _reads_dynamics(schedule) else [False] * len(kinds)
    following: list[Kind | None] = [*kinds[1:], None]
    return tuple(
        Step(kind.depth, ratios[kind], cut, after is not None and after.depth == 0, track)
        for kind, cut, after, track in zip(kinds, cuts, following, tracked, strict=True)
    )


def _reads_dynamics(schedule: Schedule) -> bool:
    return schedule.tokens.dynamics_weight > 0 or schedule.tokens.protect > 0


def _tracked(kinds: list[Kind], ratios: Mapping[Kind, Mapping[str, float]]) -> list[bool]:
    pruning = [call for call, kind in enumerate(kinds) if ratios[kind]]
    last = max(pruning, default=-1)
    return [call < last for call in range(len(kinds))]
