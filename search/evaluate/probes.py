"""The kinds of calls that a cost table is measured with: few, the rest is composed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dato import Kind, Layer, Schedule, Tokens, Topology

SPACING = 6
"""A plain full call, the unit of cost, at least this often."""


@dataclass(frozen=True)
class Group:
    """Layers whose self-attentions have the same shape: those of a level, or the middle block's."""

    level: int
    middle: bool
    layers: tuple[Layer, ...]
    finest: bool

    def kind(self, ratio: float, count: int | None = None) -> Kind:
        """A full call that prunes all (or the first ``count``) layers of the group."""
        return Kind("full", {layer.name: ratio for layer in self.layers[:count]})


def groups(topology: Topology) -> tuple[Group, ...]:
    """All groups, finest level first."""
    found: dict[tuple[int, bool], list[Layer]] = {}
    for layer in topology.layers:
        found.setdefault((layer.level, layer.branch == topology.skip_branches), []).append(layer)
    finest = topology.levels[0] if topology.levels else 0
    return tuple(
        Group(level, middle, tuple(layers), level == finest and not middle)
        for (level, middle), layers in sorted(found.items())
    )


def ratio_grid(group: Group, tokens: Tokens) -> tuple[float, ...]:
    """Measured ratios of a group.

    Attention is quadratic in the kept tokens, so that four points do on the finest level. On the
    others it is a small part of a call: two points, and more repeats, tell its line better.
    """
    top = tokens.max_ratio
    if group.finest:
        return (0.25 * top, 0.5 * top, 0.75 * top, top)
    return (0.5 * top, top)


def depth_kinds(topology: Topology) -> tuple[Kind, ...]:
    """An unpruned kind of every depth."""
    return (Kind("full"), *(Kind(depth) for depth in range(topology.skip_branches + 1)))


def prune_kinds(group: Group, tokens: Tokens) -> tuple[Kind, ...]:
    """Kinds that tell a group's deltas; the finest's include one pruned layer alone, which tells
    the selection (elsewhere it is too cheap to be told from noise, and is part of the deltas)."""
    grid = ratio_grid(group, tokens)
    one = (group.kind(grid[1], count=1),) if group.finest and len(group.layers) > 1 else ()
    return tuple(group.kind(ratio) for ratio in grid) + one


def loops(
    depths: Sequence[Kind], prunes: Sequence[Kind], calls: int, tokens: Tokens, seed: int
) -> Iterator[Schedule]:
    """Schedules of ``calls`` calls that go through all kinds in random order, again and again.

    Depths come twice for each pruned kind: a schedule is mostly made of them. Every schedule
    starts with two plain full calls; the first only warms up.
    """
    generator = random.Random(seed)
    stream: list[Kind] = []
    while True:
        steps: list[Kind] = [Kind("full")]
        while len(steps) < calls:
            if len(steps) % SPACING == 1:
                steps.append(Kind("full"))
                continue
            if not stream:
                stream = [*depths[1:], *depths[1:], *prunes]
                generator.shuffle(stream)
            steps.append(stream.pop())
        names = {kind: f"k{number}" for number, kind in enumerate(dict.fromkeys(steps))}
        yield Schedule(
            {name: kind for kind, name in names.items()},
            tuple(names[kind] for kind in steps),
            tokens,
        )
