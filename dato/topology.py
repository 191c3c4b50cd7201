"""What a denoiser looks like to a schedule: its skip branches and self-attention layers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dato.errors import MismatchError
from dato.schedule import Kind, Schedule

_LEVEL = re.compile(r"level_(\d+)")


@dataclass(frozen=True)
class Layer:
    """One prunable layer: the self-attentions of all transformer blocks inside one module.

    Args:
        name: module path inside the denoiser, such as ``"up_blocks.3.attentions.2"``.
        level: how often the latent grid was halved before it; 0 is the finest.
        branch: the layer runs at depths greater than this (down and up units); the middle
            block has ``branch == skip_branches`` and runs only at depth ``"full"``.
    """

    name: str
    level: int
    branch: int


@dataclass(frozen=True)
class Topology:
    """Skip branches and prunable layers of one denoiser architecture.

    Args:
        skip_branches: number L of skip branches (12 for SD 1.5 and 2.1, 9 for SDXL).
        layers: prunable self-attention layers in the order in which a full call runs them.
    """

    skip_branches: int
    layers: tuple[Layer, ...]

    @property
    def levels(self) -> tuple[int, ...]:
        """Levels that hold at least one prunable layer, finest first."""
        return tuple(sorted({layer.level for layer in self.layers}))

    def runs(self, layer: Layer, kind: Kind) -> bool:
        """Whether ``layer`` is recomputed by ``kind``."""
        return kind.depth == "full" or layer.branch < kind.depth

    def ratios(self, kind: Kind) -> dict[str, float]:
        """Positive pruning ratio of every layer that ``kind`` recomputes, by layer name."""
        pruned = {}
        for layer in self.layers:
            ratio = kind.prune.get(layer.name, kind.prune.get(f"level_{layer.level}", 0.0))
            if ratio > 0 and self.runs(layer, kind):
                pruned[layer.name] = ratio
        return pruned

    def check(self, schedule: Schedule) -> None:
        """Refuse a schedule that names what this denoiser lacks.

        Raises:
            MismatchError: naming the depth, layer or level.
        """
        for name, kind in schedule.kinds.items():
            if kind.depth != "full" and kind.depth > self.skip_branches:
                raise MismatchError(
                    f"The kind {name!r} has the depth {kind.depth}, but this denoiser has "
                    f"{self.skip_branches} skip branches.",
                    remedy='Lower the depth or use "full".',
                )
            self._check_names(kind.prune)

    def _check_names(self, prune: Mapping[str, float]) -> None:
        known = {layer.name for layer in self.layers}
        for name in prune:
            match = _LEVEL.fullmatch(name)
            if name in known or (match and int(match[1]) in self.levels):
                continue
            levels = ", ".join(f"level_{level}" for level in self.levels)
            raise MismatchError(
                f"The prune entry {name!r} names no self-attention layer or level of this "
                "denoiser.",
                remedy=f"Levels: {levels}. Layers: {', '.join(sorted(known))}.",
            )
