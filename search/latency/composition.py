"""Splits the times of a few kinds of calls into the costs of their parts, by least squares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dato import Kind, Tokens, Topology
from search.latency.cost_table import PruneCost, Sample
from search.latency.probes import Group, depth_kinds, groups, ratio_grid

FLOOR = 0.01
"""Shares of a full call below this count as measured no more precisely than this share."""


@dataclass(frozen=True)
class Parts:
    """Costs of the parts of a call, as shares of a plain full call.

    Args:
        depth: by depth.
        selection: choosing tokens once, by level.
        prune: by group; its ``delta_s`` are shares too.
    """

    depth: Mapping[str, float]
    selection: Mapping[int, float]
    prune: tuple[PruneCost, ...]

    def scaled(self, unit: float) -> Parts:
        """The same in seconds, from the seconds of a plain full call."""
        return Parts(
            {name: unit * share for name, share in self.depth.items()},
            {level: unit * share for level, share in self.selection.items()},
            tuple(
                entry.model_copy(update={"delta_s": tuple(unit * x for x in entry.delta_s)})
                for entry in self.prune
            ),
        )


def compose(samples: Sequence[Sample], topology: Topology, tokens: Tokens) -> Parts:
    """The parts whose sums come closest to the samples.

    A call is the sum of its depth, a selection for each level that it prunes, and a delta for each
    layer that it prunes. The noise of a time grows with the time, so a sample's weight is the root
    of its count over its share. Hence shallow calls mostly decide what pruning saves, because it is
    a large part of their time. Only the finest level has a selection of its own, because only it is
    sampled with different numbers of layers. On other levels the selection is cheap and counts as
    part of the deltas.
    """
    grouped = groups(topology)
    columns = _columns(topology, grouped, tokens)
    rows = [_row(sample, grouped, tokens, columns) for sample in samples]
    target = np.array([sample.share for sample in samples])
    weights = np.sqrt([sample.count for sample in samples]) / np.maximum(target, FLOOR)
    plain = columns[_depth("full")]
    matrix = np.array(rows).reshape(-1, len(columns))
    target = target - matrix[:, plain]
    matrix[:, plain] = 0.0
    solution = np.linalg.lstsq(matrix * weights[:, None], target * weights, rcond=None)[0]
    solution[plain] = 1.0

    def share(key: Column) -> float:
        return float(solution[columns[key]]) if key in columns else 0.0

    return Parts(
        depth={str(k.depth): max(share(_depth(k.depth)), 0.0) for k in depth_kinds(topology)},
        selection={group.level: share(_selection(group)) for group in grouped},
        prune=tuple(_prune(group, tokens, share) for group in grouped),
    )


Column = tuple[str, object, object]


def _depth(depth: object) -> Column:
    return ("depth", depth, None)


def _selection(group: Group) -> Column:
    return ("selection", group.level, None)


def _delta(group: Group, index: int) -> Column:
    return ("delta", (group.level, group.middle), index)


def _columns(topology: Topology, grouped: Sequence[Group], tokens: Tokens) -> dict[Column, int]:
    keys: list[Column] = [_depth(kind.depth) for kind in depth_kinds(topology)]
    keys += [_selection(group) for group in grouped if len(_counts(group)) > 1]
    keys += [_delta(group, i) for group in grouped for i in range(len(ratio_grid(group, tokens)))]
    return {key: place for place, key in enumerate(keys)}


def _counts(group: Group) -> set[int]:
    return {len(group.running(depth)) for depth in group.depths()}


def _row(
    sample: Sample, grouped: Sequence[Group], tokens: Tokens, columns: Mapping[Column, int]
) -> np.ndarray:
    row = np.zeros(len(columns))
    row[columns[_depth(sample.depth)]] = 1.0
    for group in grouped:
        ratios = [sample.prune[x.name] for x in group.layers if x.name in sample.prune]
        if ratios:
            row[columns[_delta(group, ratio_grid(group, tokens).index(ratios[0]))]] = len(ratios)
            if _selection(group) in columns:
                row[columns[_selection(group)]] = 1.0
    return row


def _prune(group: Group, tokens: Tokens, share: Callable[[Column], float]) -> PruneCost:
    ratios = ratio_grid(group, tokens)
    deltas = tuple(share(_delta(group, index)) for index in range(len(ratios)))
    return PruneCost(level=group.level, middle=group.middle, ratios=ratios, delta_s=deltas)


def sample_of(kind: Kind, share: float, spread: float, count: int) -> Sample:
    """A measured kind."""
    return Sample(depth=kind.depth, prune=dict(kind.prune), share=share, spread=spread, count=count)
