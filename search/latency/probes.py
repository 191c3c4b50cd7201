"""The few kinds of calls that are timed for a cost table; it composes all others from them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dato import Kind, Layer, Schedule, Tokens, Topology
from dato.schedule import Depth

SPACING = 5
"""Every this many calls one is a plain full call, the unit of cost."""

SHALLOW = 3
"""Schedules mostly consist of depths up to this one."""

COPIES = 4
"""How many times more often the kinds of a space are timed than the others."""


@dataclass(frozen=True)
class Group:
    """Layers whose self-attentions have the same shape: those of a level, or of the middle
    block."""

    level: int
    middle: bool
    layers: tuple[Layer, ...]
    finest: bool

    def depths(self) -> tuple[Depth, ...]:
        """Depths at which the group is measured.

        These are full calls and the cheapest calls that run all of it, in which its share is
        largest. The finest group is also measured in the cheapest calls that run some of it, which
        separates the time of choosing tokens from that of dropping them.
        """
        if self.middle:
            return ("full",)
        some, every = (pick(layer.branch for layer in self.layers) + 1 for pick in (min, max))
        return ("full", *sorted({some, every} if self.finest else {every}))

    def kind(self, ratio: float, depth: Depth = "full") -> Kind:
        """A call that prunes those layers of the group that it runs."""
        return Kind(depth, {layer.name: ratio for layer in self.running(depth)})

    def running(self, depth: Depth) -> tuple[Layer, ...]:
        """The layers that a call of ``depth`` recomputes."""
        return tuple(x for x in self.layers if depth == "full" or x.branch < depth)


def groups(topology: Topology) -> tuple[Group, ...]:
    """All groups, finest level first."""
    alike: dict[tuple[int, bool], list[Layer]] = {}
    for layer in topology.layers:
        alike.setdefault((layer.level, layer.branch == topology.skip_branches), []).append(layer)
    finest = topology.levels[0] if topology.levels else 0
    return tuple(
        Group(level, middle, tuple(layers), level == finest and not middle)
        for (level, middle), layers in sorted(alike.items())
    )


def ratio_grid(group: Group, tokens: Tokens) -> tuple[float, ...]:
    """Measured ratios of a group.

    Attention is quadratic in the kept tokens, so four points are enough on the finest level; the
    lowest is close to the cost of pruning that saves nothing. On other levels attention is a small
    part of a call, and two points with more repeats give a better line.
    """
    top = tokens.max_ratio
    if group.finest:
        return (0.125 * top, 0.375 * top, 0.6875 * top, top)
    return (0.5 * top, top)


def depth_kinds(topology: Topology) -> tuple[Kind, ...]:
    """An unpruned kind of every depth."""
    return (Kind("full"), *(Kind(depth) for depth in range(topology.skip_branches + 1)))


def prune_kinds(group: Group, tokens: Tokens) -> tuple[Kind, ...]:
    """Kinds from which a group's deltas follow."""
    grid = ratio_grid(group, tokens)
    return tuple(group.kind(ratio, depth) for depth in group.depths() for ratio in grid)


def copies(
    kinds: Sequence[Kind], focus: Sequence[Schedule], topology: Topology
) -> tuple[Kind, ...]:
    """``kinds``, with those that occur in ``focus`` repeated :data:`COPIES` times.

    Args:
        focus: schedules as a search proposes them. Without any, shallow depths and pruning on the
            finest level are repeated.
    """
    used = {kind for schedule in focus for kind in schedule.kinds.values()}
    depths: set[Depth] = {kind.depth for kind in used} or {"full", *range(1, SHALLOW + 1)}
    level = {layer.name: layer.level for layer in topology.layers}
    levels = {level[name] for kind in used for name in topology.ratios(kind)}
    levels = levels if focus else {topology.levels[0]} if topology.levels else set()

    def matters(kind: Kind) -> bool:
        return kind.depth in depths and {level[name] for name in kind.prune} <= levels

    return tuple(kind for kind in kinds for _ in range(COPIES if matters(kind) else 1))


def loops(
    kinds: Sequence[Kind], calls: int, tokens: Tokens, seed: int, *, fused: bool = False
) -> Iterator[Schedule]:
    """Schedules of ``calls`` calls that go through all kinds in random order, again and again.
    Without any, all that is computed is plain full calls.

    Every schedule starts with two plain full calls; the first only warms up.

    Args:
        fused: end each with a skipped call, so that its run is fused as those of a study are.
    """
    computed = calls - fused
    generator = random.Random(seed)
    stream: list[Kind] = []
    while True:
        steps: list[Kind] = [Kind("full")]
        while len(steps) < computed:
            if len(steps) % SPACING == 1:
                steps.append(Kind("full"))
                continue
            if not stream:
                stream = list(kinds) or [Kind("full")]
                generator.shuffle(stream)
            steps.append(stream.pop())
        steps += [Kind(0)] * fused
        names = {kind: f"k{number}" for number, kind in enumerate(dict.fromkeys(steps))}
        yield Schedule(
            {name: kind for kind, name in names.items()},
            tuple(names[kind] for kind in steps),
            tokens,
        )
