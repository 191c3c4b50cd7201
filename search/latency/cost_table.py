"""The cost of each part of a call, from which the cost of any schedule follows without noise."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from dato import Kind, Schedule, Tokens, Topology
from dato.files import replace_text
from dato.preset.fields import StrictModel
from search.errors import UserError
from search.model.cost_setting import Place, Work

VERSION = 3
READABLE = (2, VERSION)
"""Version 3 says whether skipped calls are fused."""

AGAIN = "Measure the table again."


class PruneCost(StrictModel):
    """The time that pruning one layer adds to a call, by ratio; negative where it saves time.

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
    def _grid(self) -> PruneCost:
        ascending = all(a < b for a, b in zip((0.0, *self.ratios), self.ratios, strict=False))
        if not ascending or self.ratios[-1] > 1 or len(self.ratios) != len(self.delta_s):
            raise ValueError(
                f"the ratios {self.ratios} with {len(self.delta_s)} deltas do not ascend from "
                f"above 0 to 1, with one delta for each. {AGAIN}"
            )
        return self

    def delta(self, ratio: float) -> float:
        """Seconds per image at ``ratio``, interpolated linearly, and extrapolated at both ends."""
        xs, ys = self.ratios, self.delta_s
        if len(xs) == 1:
            return ys[0]
        right = min(max(bisect_right(xs, ratio), 1), len(xs) - 1)
        slope = (ys[right] - ys[right - 1]) / (xs[right] - xs[right - 1])
        return ys[right - 1] + slope * (ratio - xs[right - 1])


class Sample(StrictModel):
    """One kind of call, as measured.

    Args:
        depth, prune: the kind.
        share: median time over that of the plain full calls around it; ``spread``: interquartile
            range of the same; ``count``: how many times.
    """

    depth: int | Literal["full"]
    prune: Mapping[str, float]
    share: float = Field(ge=0)
    spread: float = Field(ge=0)
    count: int = Field(ge=1)


class Method(StrictModel):
    """How the table was measured.

    Args:
        statistic: how costs were computed from times.
        warm_up_runs: runs before the first measured one; ``runs``: measured ones.
        busy_s: time inside the measured runs, by the table's clock; ``seed`` of their kinds.
    """

    statistic: str
    warm_up_runs: int = Field(ge=0)
    runs: int = Field(ge=1)
    busy_s: float = Field(ge=0)
    seed: int


class Check(StrictModel):
    """Relative error of priced speed-ups against end-to-end ones.

    Args:
        schedules: random schedules that were timed, ``repeats`` times each.
        median, worst: errors.
        noise: median over the schedules of the timing's own interquartile range over its median:
            errors below it come from the machine, not from the table.
    """

    schedules: int = Field(ge=1)
    repeats: int = Field(ge=1)
    median: float = Field(ge=0)
    worst: float = Field(ge=0)
    noise: float = Field(ge=0)


class CostTable(StrictModel):
    """Seconds per image of the parts of a denoising run, in one place.

    A call costs its depth, plus one selection for each level that it prunes (for each layer under
    ``share="layer"``), plus a delta for each layer that it prunes. A run costs the sum of its
    calls plus ``fixed_s``. Text encoding and the VAE are not part of a run.

    Args:
        depth_s: cost of an unpruned call by depth, ``"full"`` and ``"0"`` up. Where runs are fused,
            a call of depth 0 is part of the sampler and costs nothing.
        selection_s: cost of choosing tokens once, by level.
        prune: deltas by level.
        samples: what was measured; ``method``: how; ``check``: how well it predicts whole runs.
        machine: what else may change the times, such as the platform.
        versions: of libraries.
    """

    format: Literal["dato-cost-table"] = "dato-cost-table"
    version: Literal[2, 3] = 3
    work: Work
    place: Place
    fixed_s: float = Field(ge=0)
    depth_s: Mapping[str, float]
    selection_s: Mapping[int, float] = {}
    prune: tuple[PruneCost, ...] = ()
    samples: tuple[Sample, ...] = ()
    method: Method | None = None
    check: Check | None = None
    machine: Mapping[str, str] = {}
    versions: Mapping[str, str] = {}

    @model_validator(mode="after")
    def _times(self) -> CostTable:
        for depth, seconds in self.depth_s.items():
            if seconds < 0 or (depth == "full" and seconds == 0):
                raise ValueError(
                    f"depth {depth} takes {seconds:g} s, and every call takes time. {AGAIN}"
                )
        if "full" not in self.depth_s:
            raise ValueError(f"depth_s has no full call. {AGAIN}")
        return self

    @property
    def name(self) -> str:
        """File name without ending: ``<device>-<dtype>-b<batch>-<width>x<height>``."""
        height, width = self.work.image_size
        device = "-".join("".join(c if c.isalnum() else " " for c in self.place.device).split())
        return f"{device}-{self.place.dtype}-b{self.place.batch_size}-{width}x{height}".lower()

    def price(self, schedule: Schedule, topology: Topology) -> float:
        """Seconds per image of one denoising run.

        Raises:
            UserError: the schedule has a depth or prunes a level that was not measured, or the
                table's numbers make no sense together.
        """
        cost = {
            name: self.price_call(kind, topology, schedule.tokens)
            for name, kind in schedule.kinds.items()
        }
        seconds = self.fixed_s + sum(cost[step] for step in schedule.steps)
        if not 0 < seconds < math.inf:
            raise UserError(
                f"The cost table prices a run at {seconds:g} s, which no run takes. Calibrate "
                "again with more latency.repeats."
            )
        return seconds

    def speedup(self, schedule: Schedule, topology: Topology) -> float:
        """The price of the unpatched run, on the table's own sampler, over that of ``schedule``.
        Raises as :meth:`price`."""
        full = self.price(Schedule.full(self.work.calls), topology)
        return full / self.price(schedule, topology)

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
        replace_text(path, self.model_dump_json(indent=1) + "\n")
