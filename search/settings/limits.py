"""Settings that say when a search ends, and which bounds its front keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, Field, field_validator, model_validator

from search.metrics import FID_REAL_BOUND, FIDS, metric
from search.settings.base import Settings, duration_text
from search.settings.constraints import SPEEDUP, Bound, Constraints, parse_bounds


class BudgetSettings(Settings):
    """When the search ends: at the limit that is reached first.

    Args:
        trials: finished trials. images: generated images.
        calls: denoiser calls for one image, a cached one counting its share of a full one's cost.
        time: wall-clock time inside trials, such as ``"2h"``, ``"90m"`` or ``"45s"``.
        default_trials: the limit where no other one is set.
    """

    trials: int | None = Field(default=None, ge=1)
    images: int | None = Field(default=None, ge=1)
    calls: float | None = Field(default=None, gt=0)
    time: str | None = None
    default_trials: int = Field(default=30, ge=1)

    @field_validator("time", mode="before")
    @classmethod
    def _is_a_duration(cls, value: Any) -> Any:
        return duration_text(value)


class ConstraintSettings(Settings):
    """Bounds that the front keeps, in the grammar of ``search.settings.constraints``.

    Every other key is the name of a metric (``search.metrics``), such as ``psnr=">=25"``.

    Args:
        speedup: such as ``">=5"`` or ``">=2,<=8"``.
        fid: bound on the FID that the study minimises, such as ``"<=20"`` or
            ``"<=baseline+0.5"``. A study that minimises no FID bounds the one to the unpatched
            images. On ``fid_real`` a bound at the baseline is the paired statement: see
            :data:`search.metrics.WORSE`.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str | None] = Field(init=False)

    speedup: str | None = None
    fid: str | None = None

    @field_validator("speedup", "fid")
    @classmethod
    def _parses(cls, value: str | None) -> str | None:
        if value is not None:
            parse_bounds(value)
        return value

    @model_validator(mode="after")
    def _bounds_metrics(self) -> ConstraintSettings:
        for name, text in self.__pydantic_extra__.items():
            try:
                higher = metric(name).higher
                bounds = parse_bounds(text) if text is not None else ()
            except ValueError as error:
                raise ValueError(f"constraints.{name}: {error}") from None
            if any(bound.upper == higher for bound in bounds):
                wrong, wanted, sign = ("high", "higher", ">=") if higher else ("low", "lower", "<=")
                raise ValueError(
                    f"constraints.{name}={text!r} refuses a {name} for being {wrong}, and a "
                    f"{wanted} one is always welcome. Write {sign}."
                )
        return self

    @field_validator("speedup")
    @classmethod
    def _is_a_factor(cls, value: str | None) -> str | None:
        for bound in parse_bounds(value) if value is not None else ():
            if bound.relative or bound.limit <= 0:
                raise ValueError(
                    f"{str(bound)!r} does not bound a speed-up, which is a factor above 0 over the "
                    "unpatched model. Write a bound such as >=5."
                )
        return value

    @field_validator("fid")
    @classmethod
    def _bounds_from_above(cls, value: str | None) -> str | None:
        if value is not None and not all(bound.upper for bound in parse_bounds(value)):
            raise ValueError(
                f"{value!r} refuses an FID for being low, and a lower one is always welcome. "
                "Write <=."
            )
        return value

    def constraints(self, objective: str) -> Constraints:
        """The parsed bounds of a study that minimises ``objective``."""
        fid = objective if objective in FIDS else FIDS[0]
        texts = {SPEEDUP: self.speedup, **self.__pydantic_extra__}
        if self.fid is not None:
            texts[fid] = ",".join(filter(None, (texts.get(fid), self.fid)))
        bounds = {name: parse_bounds(text) for name, text in texts.items() if text}
        return Constraints(_paired(bounds))


def _paired(bounds: Mapping[str, tuple[Bound, ...]]) -> Mapping[str, tuple[Bound, ...]]:
    """The same bounds, with one on the unpatched FID to real images as the paired statement."""
    by_name: dict[str, list[Bound]] = {}
    for name, several in bounds.items():
        for bound in several:
            paired = name == "fid_real" and bound.relative
            by_name.setdefault(FID_REAL_BOUND if paired else name, []).append(bound)
    return {name: tuple(several) for name, several in by_name.items()}
