"""Which entry of a ``prune`` table gives each self-attention layer its ratio."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dato import Layer, Topology
from search.space.domains import Domain
from search.space.entry import Entry
from search.space.parameters import at_call
from search.space.problems import Problems, join


@dataclass(frozen=True)
class PruneEntry:
    """Where a layer's ratio comes from.

    Args:
        name: of the ratio, the start of it where every call has its own.
        domain: ratios that it can be.
        per_call: whether every call has its own.
    """

    name: str
    domain: Domain
    per_call: bool = False

    def at(self, call: int, calls: int) -> str:
        """Name of the ratio at ``call`` of a run of ``calls``."""
        return at_call(self.name, call, calls) if self.per_call else self.name


def resolve(
    base: str, entries: Mapping[str, Entry], topology: Topology, problems: Problems
) -> dict[str, PruneEntry]:
    """The entry of each layer that ``entries`` mention, by layer name; the most specific wins.

    Args:
        base: path of the table, such as ``"full.prune"``.
        entries: by ``""`` (every layer), ``"finest"``, ``"level_N"`` or layer name.
        problems: collects levels and layers that the denoiser does not have.
    """
    by_layer: dict[str, PruneEntry] = {}
    for key in sorted(entries, key=_specificity):
        layers, name = _select(key, topology)
        if not layers:
            valid = [f"level_{level}" for level in topology.levels]
            valid += [layer.name for layer in topology.layers]
            problems.unknown(join(base, key), key, valid, "level or layer of this denoiser")
        if key == "finest" and name in entries:
            fault = f"finest is {name} on this denoiser, which the table also names"
            problems.add(join(base, key), fault, f"Remove finest or {name}")
        for layer in layers:
            entry = entries[key]
            per_level = f"level_{layer.level}" if entry.per == "level" else ""
            per_layer = layer.name if entry.per == "layer" else ""
            full_name = join(base, name, per_level, per_layer)
            by_layer[layer.name] = PruneEntry(full_name, entry.domain, entry.per == "call")
    return by_layer


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
