"""What each part of a call costs, and hence what a schedule costs: free and noiseless."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dato import Kind, Schedule, Tokens, Topology
from dato.files import replace_text
from search.errors import ConfigError, UserError
from search.reading import read_text

Timer = Literal["process_time", "cuda_events"]
Size = Annotated[int, Field(ge=1, lt=2**31)]


class _Wire(BaseModel):
    """Strict and frozen: unknown keys, NaN and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class PruneCost(_Wire):
    """What pruning one layer adds to a call (negative where it saves), by ratio.

    Args:
        level: level of the layer.
        middle: whether it belongs to the middle block.
        ratios: measured ratios, ascending, all above 0.
        delta_s: seconds per image at each of them.
    """

    level: int = Field(ge=0)
    middle: bool
    ratios: tuple[float, ...] = Field(min_length=1)
    delta_s: tuple[float, ...]

    @model_validator(mode="after")
    def _is_a_curve(self) -> Self:
        if len(self.delta_s) != len(self.ratios):
            raise ValueError("there is one delta for each ratio")
        if any(left >= right for left, right in pairwise((0.0, *self.ratios))):
            raise ValueError("ratios ascend and are above 0")
        return self

    def delta(self, ratio: float) -> float:
        """Seconds per image at ``ratio``: linear in between, and on past both ends of the grid."""
        xs, ys = self.ratios, self.delta_s
        if len(xs) == 1:
            return ys[0]
        right = min(max(bisect_right(xs, ratio), 1), len(xs) - 1)
        slope = (ys[right] - ys[right - 1]) / (xs[right] - xs[right - 1])
        return ys[right - 1] + slope * (ratio - xs[right - 1])


class Setting(_Wire):
    """What the costs were measured under; costs of another setting do not hold.

    Args:
        device: device name; ``dtype``, ``batch_size`` and ``latent_size`` (h, w) of the runs.
        guided: whether each image takes two rows of the batch.
        scheduler: its class name; ``skip_branches`` of the denoiser.
        timer: how time was taken. ``process_time`` is CPU time of one thread.
    """

    device: str
    dtype: str
    batch_size: Size
    latent_size: tuple[Size, Size]
    guided: bool
    scheduler: str
    skip_branches: Size
    timer: Timer


class CostTable(_Wire):
    """Seconds per image of the parts of a denoising run, on one device.

    A call costs its depth, plus one selection for each level that it prunes (for each layer under
    ``share="layer"``), plus a delta for each layer that it prunes. A run costs the sum of its
    calls plus ``fixed_s``. Text encoding and the VAE are not part of a run.

    Args:
        depth_s: cost of an unpruned call by depth, ``"full"`` and ``"0"`` up.
        selection_s: cost of choosing tokens once, by level.
        prune: deltas by level.
        versions: library versions by name.
    """

    format: Literal["dato-cost-table"] = "dato-cost-table"
    version: Literal[1] = 1
    setting: Setting
    fixed_s: float
    depth_s: Mapping[str, float]
    selection_s: Mapping[int, float] = {}
    prune: tuple[PruneCost, ...] = ()
    versions: Mapping[str, str] = {}

    def price(self, schedule: Schedule, topology: Topology) -> float:
        """Seconds per image of one denoising run.

        Raises:
            UserError: the schedule has a depth or prunes a level that was not measured, or the
                table prices it at nothing or less.
        """
        cost = {
            name: self.price_call(kind, topology, schedule.tokens)
            for name, kind in schedule.kinds.items()
        }
        total = self.fixed_s + sum(cost[step] for step in schedule.steps)
        if not 0 < total < math.inf:
            raise UserError(
                f"The cost table prices a schedule at {total:g} seconds. Delete it, so that it is "
                "measured again."
            )
        return total

    def price_call(self, kind: Kind, topology: Topology, tokens: Tokens) -> float:
        """Seconds per image of one call of ``kind``."""
        if str(kind.depth) not in self.depth_s:
            raise UserError(
                f"The cost table has no depth {kind.depth} (it has {', '.join(self.depth_s)}). "
                "Delete it, so that it is measured again."
            )
        ratios = topology.ratios(kind)
        pruned = [layer for layer in topology.layers if layer.name in ratios]
        levels = [layer.level for layer in pruned]
        cost = self.depth_s[str(kind.depth)]
        for level in levels if tokens.share == "layer" else sorted(set(levels)):
            cost += self.selection_s.get(level, 0.0)
        for layer in pruned:
            middle = layer.branch == topology.skip_branches
            cost += self._entry(layer.level, middle).delta(ratios[layer.name])
        return cost

    def _entry(self, level: int, middle: bool) -> PruneCost:
        for entry in self.prune:
            if (entry.level, entry.middle) == (level, middle):
                return entry
        raise UserError(
            f"The cost table has no pruning on level {level}. Delete it, so that it is measured "
            "again."
        )

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        replace_text(path, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> CostTable:
        """Read what :meth:`save` wrote.

        Raises:
            UserError: the file is missing; ConfigError: with every mistake in it.
        """
        try:
            return cls.model_validate_json(read_text(path, "A cost table is a small JSON file."))
        except ValidationError as error:
            problems = [
                f"{'.'.join(map(str, item['loc']))[:200] or 'file'}: {item['msg']}"
                for item in error.errors(include_input=False)[:20]
            ]
            raise ConfigError(f"The cost table {str(path)!r}", problems) from None
