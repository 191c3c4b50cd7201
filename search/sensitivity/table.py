"""What each cheap call costs in quality, by its place in the run and the age of what it reuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from dato import Schedule
from dato.files import replace_text
from search.errors import UserError
from search.records.reading import LARGE, read_text

REMEDY = "Delete it, so that it is measured again."

Table = NDArray[np.float64]
"""(calls, calls): the damage at call t with a cache of age a; 0 where a exceeds t."""


@dataclass(frozen=True)
class Sensitivity:
    """Teacher-forced damage of the cheap kinds, measured once per model and sampler.

    The damage of a call is the root mean square by which its sampler step misses the reference's
    latents when it is given the reference's, in standard deviations of the reference's final
    latents. The age counts calls since the full call that filled the cache; at depth 0 it counts
    since the call whose output is repeated.

    Args:
        damage: by depth, 0 among them.
        images: how many it was measured on.
        unet_calls: what measuring cost per image, in full calls (a cheap call counts its share).
    """

    damage: Mapping[int, Table]
    images: int
    unet_calls: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "damage", MappingProxyType(dict(self.damage)))

    @property
    def calls(self) -> int:
        """Calls of the run that was measured."""
        return len(self.damage[0])

    def per_call(self, schedule: Schedule) -> tuple[float, ...]:
        """Predicted damage of each call of a schedule.

        A repeated output carries the damage of the call that made it. Pruning counts nothing, and
        a depth that was not measured counts as the next shallower one that was.
        """
        found: list[float] = []
        full = source = 0
        made = 0.0
        for call in range(schedule.calls):
            depth = schedule.kind(call).depth
            if depth == 0:
                found.append(float(self.damage[0][call, call - source]) + made)
                continue
            source, made = call, 0.0
            if depth == "full":
                full = call
            else:
                known = max(own for own in self.damage if own <= depth)
                made = float(self.damage[known][call, call - full])
            found.append(made)
        return tuple(found)

    def total(self, schedule: Schedule) -> float:
        """Sum over calls. Errors of one run lean the same way, so they add, not their squares."""
        return sum(self.per_call(schedule))

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        stored = _SensitivitySchema(
            images=self.images,
            unet_calls=self.unet_calls,
            damage={
                depth: tuple(tuple(float(f"{value:.4g}") for value in row) for row in table)
                for depth, table in self.damage.items()
            },
        )
        replace_text(path, stored.model_dump_json() + "\n")

    @classmethod
    def load(cls, path: Path) -> Sensitivity:
        """Read what :meth:`save` wrote.

        Raises:
            UserError: the file is missing or broken.
        """
        try:
            stored = _SensitivitySchema.model_validate_json(read_text(path, REMEDY, LARGE))
            tables = {depth: np.asarray(rows, dtype=float) for depth, rows in stored.damage.items()}
            if 0 not in tables or {table.shape for table in tables.values()} != {
                (len(tables[0]), len(tables[0]))
            }:
                raise ValueError("damage is one square table for each depth, 0 among them")
        except ValueError as error:
            raise UserError(
                f"The sensitivity file {str(path)!r} cannot be read "
                f"({str(error).splitlines()[0]}). {REMEDY}"
            ) from error
        return cls(tables, stored.images, stored.unet_calls)


class _SensitivitySchema(BaseModel):
    """``sensitivity.json``: strict, versioned."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    format: Literal["dato-sensitivity"] = "dato-sensitivity"
    version: Literal[1] = 1
    images: int = Field(ge=1)
    unet_calls: float = Field(ge=0)
    damage: dict[int, tuple[tuple[float, ...], ...]]
