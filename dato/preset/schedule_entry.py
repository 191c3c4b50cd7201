"""A schedule as presets and studies write it into their files: keys, types and limits.

:class:`dato.Schedule` checks its own rules (first call full, ratios, token settings) itself. The
published schema shows those bounds all the same.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dato.preset.fields import (
    MAX_KINDS,
    MAX_STEPS,
    CallNumber,
    KindName,
    LayerName,
    Several,
    StrictModel,
)
from dato.schedule import MAX_VALUES, Forecast, Kind, Quantity, Schedule, Tokens
from dato.slope import LINE, STEEPEST, Slope
from dato.tuned import MAX_OUTPUTS, TunedSampler

Shown = Annotated[float, Field(json_schema_extra={"minimum": 0})]
Ratio = Annotated[float, Field(json_schema_extra={"minimum": 0, "maximum": 1})]
Side = Annotated[int, Field(le=256, json_schema_extra={"minimum": 1})]
Share = Annotated[float, Field(json_schema_extra={"minimum": -STEEPEST, "maximum": STEEPEST})]
Weights = Annotated[tuple[float, ...], Field(min_length=1, max_length=MAX_VALUES)]


class TokensEntry(StrictModel):
    """How tokens are selected."""

    patch: tuple[Side, Side]
    dynamics_weight: Shown
    noise_weight: Shown
    protect: Ratio
    share: Literal["level", "layer"]


class KindEntry(StrictModel):
    """What one call does."""

    depth: Literal["full"] | Annotated[int, Field(json_schema_extra={"minimum": 0})]
    forecast: Forecast = "hold"
    prune: Annotated[
        dict[LayerName, Ratio],
        Field(max_length=MAX_KINDS, json_schema_extra={"additionalProperties": False}),
        Several,
    ] = Field(default_factory=dict)


class SlopeEntry(StrictModel):
    """How far along the straight line linear forecasts of outputs go; 1 is the line, 0 holds."""

    early: Share
    late: Share


class TunedEntry(StrictModel):
    """Timesteps and weights in the place of the scheduler's; one of each for every call."""

    timesteps: Annotated[tuple[Shown, ...], Field(max_length=MAX_STEPS), Several]
    weights: Annotated[
        tuple[Annotated[tuple[float, ...], Field(min_length=1, max_length=MAX_OUTPUTS)], ...],
        Field(max_length=MAX_STEPS),
        Several,
    ]

    def to_tuned(self) -> TunedSampler:
        """Raises :class:`TunedError` when it breaks one of the sampler's own rules."""
        return TunedSampler(self.timesteps, self.weights)


class ScheduleEntry(StrictModel):
    """Kinds, the kind of each call, and what forecasts need."""

    tokens: TokensEntry
    kinds: Annotated[dict[KindName, KindEntry], Field(max_length=MAX_KINDS), Several]
    steps: Annotated[tuple[KindName, ...], Field(max_length=MAX_STEPS), Several]
    weights: Annotated[
        dict[CallNumber, Weights],
        Field(max_length=MAX_STEPS, json_schema_extra={"additionalProperties": False}),
        Several,
    ] = Field(default_factory=dict)
    slope: SlopeEntry = SlopeEntry(early=LINE.early, late=LINE.late)
    quantity: Quantity
    tuned: TunedEntry | None = None

    def to_schedule(self) -> Schedule:
        """Raises :class:`ScheduleError` when the schedule breaks one of its own rules."""
        kinds = self.kinds.items()
        return Schedule(
            {name: Kind(kind.depth, kind.prune, kind.forecast) for name, kind in kinds},
            self.steps,
            Tokens(**vars(self.tokens)),
            {int(call): weights for call, weights in self.weights.items()},
            self.quantity,
            Slope(**vars(self.slope)),
            None if self.tuned is None else self.tuned.to_tuned(),
        )


def schedule_to_dict(schedule: Schedule) -> dict[str, object]:
    """A schedule as plain data, in the file's order; kinds in the order of their first use."""
    weights = {str(call): list(weights) for call, weights in schedule.weights.items()}
    return {
        "tokens": {**vars(schedule.tokens), "patch": list(schedule.tokens.patch)},
        "kinds": {
            name: _kind_to_plain(schedule.kinds[name]) for name in dict.fromkeys(schedule.steps)
        },
        "steps": list(schedule.steps),
        **({"weights": weights} if weights else {}),
        **({} if schedule.slope == LINE else {"slope": dict(vars(schedule.slope))}),
        "quantity": schedule.quantity,
        **({} if schedule.tuned is None else {"tuned": _tuned_to_plain(schedule.tuned)}),
    }


def _tuned_to_plain(tuned: TunedSampler) -> dict[str, object]:
    return {"timesteps": list(tuned.timesteps), "weights": list(map(list, tuned.weights))}


def _kind_to_plain(kind: Kind) -> dict[str, object]:
    forecast = {} if kind.forecast == "hold" else {"forecast": kind.forecast}
    return {"depth": kind.depth, **forecast, **({"prune": dict(kind.prune)} if kind.prune else {})}
