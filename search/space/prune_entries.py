"""Which leaf of a ``prune`` table gives each self-attention layer its ratio."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dato import Layer, Topology
from search.space.domains import Domain
from search.space.entry import Leaf
from search.space.problems import Problems, join


@dataclass(frozen=True)
class Site:
    """The name and domain of a value that may differ by call."""

    name: str
    domain: Domain
    per_call: bool = False

    def at(self, call: int, calls: int) -> str:
        """Name of the value at ``call`` of a run of ``calls``, such as ``"calls.depth.07"``."""
        if not self.per_call:
            return self.name
        return f"{self.name}.{call:0{max(2, len(str(calls - 1)))}d}"


def resolve(
    base: str, leaves: Mapping[str, Leaf], topology: Topology, problems: Problems
) -> dict[str, Site]:
    """The site of each layer that ``leaves`` mention, by layer name; the most specific wins.

    Args:
        base: path of the table, such as ``"full.prune"``.
        leaves: by ``""`` (every layer), ``"finest"``, ``"level_N"`` or layer name.
        problems: collects levels and layers that the denoiser does not have.
    """
    found: dict[str, Site] = {}
    for key in sorted(leaves, key=_specificity):
        layers, name = _select(key, topology)
        if not layers:
            valid = [f"level_{level}" for level in topology.levels]
            valid += [layer.name for layer in topology.layers]
            problems.unknown(join(base, key), key, valid, "level or layer of this denoiser")
        if key == "finest" and name in leaves:
            rule = f"finest is {name} on this denoiser, which has a ratio of its own."
            problems.add(join(base, key), rule, f"Remove finest or {name}.")
        for layer in layers:
            leaf = leaves[key]
            per_level = f"level_{layer.level}" if leaf.per == "level" else ""
            per_layer = layer.name if leaf.per == "layer" else ""
            full_name = join(base, name, per_level, per_layer)
            found[layer.name] = Site(full_name, leaf.domain, leaf.per == "call")
    return found


def _specificity(key: str) -> int:
    if not key:
        return 0
    return 1 if key == "finest" or re.fullmatch(r"level_\d+", key) else 2


def _select(key: str, topology: Topology) -> tuple[list[Layer], str]:
    """The layers that ``key`` means, and its name on this denoiser."""
    if not key:
        return list(topology.layers), ""
    name = f"level_{topology.levels[0]}" if key == "finest" else key
    by_level = [layer for layer in topology.layers if f"level_{layer.level}" == name]
    return by_level or [layer for layer in topology.layers if layer.name == name], name
