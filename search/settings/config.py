"""The whole configuration: parsed once, with all mistakes reported at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError, model_validator

from search.errors import ConfigError
from search.metrics import FIDS, metric
from search.settings.base import Settings
from search.settings.constraints import Constraints
from search.settings.latency import LatencySettings
from search.settings.launcher import LauncherSettings
from search.settings.limits import BudgetSettings, ConstraintSettings
from search.settings.measures import measures
from search.settings.mistakes import sentences
from search.settings.model import ModelSettings
from search.settings.quality import QualitySettings
from search.settings.rivals import ExportSettings, RivalSettings
from search.settings.storage import StorageSettings
from search.settings.study import (
    SamplerSettings,
    StudySettings,
    TrackerSettings,
    WarmstartSettings,
)
from search.settings.tune import TuneSettings

Group = TypeVar("Group", bound=Settings)


class Config(Settings):
    """Everything a study needs to know. ``search.space`` parses the space, which is a language."""

    study: StudySettings
    model: ModelSettings
    space: Mapping[str, Any]
    sampler: SamplerSettings
    storage: StorageSettings
    quality: QualitySettings
    latency: LatencySettings
    tracker: TrackerSettings
    launcher: LauncherSettings
    budget: BudgetSettings
    warmstart: WarmstartSettings
    constraints: ConstraintSettings = ConstraintSettings()
    rivals: RivalSettings = RivalSettings()  # studies from before there were any have none
    export: ExportSettings = ExportSettings()
    tune: TuneSettings = TuneSettings()  # studies from before tuning tune nothing

    @model_validator(mode="before")
    @classmethod
    def _measures_of_the_model(cls, values: Any) -> Any:
        """Put in what belongs to the model, where that is left to it."""
        known = isinstance(values, Mapping) and all(
            isinstance(values.get(name), Mapping) for name in ("model", "quality")
        )
        if not known:
            return values
        return {**values, "quality": measures(values["quality"], values["model"])}

    @model_validator(mode="after")
    def _scale_inside(self) -> Config:
        scale, scales = self.model.guidance_scale, self.tune.guidance
        if scales is not None and not scales[0] <= scale <= scales[1]:
            raise ValueError(
                f"tune.guidance=[{scales[0]:g},{scales[1]:g}] does not hold "
                f"model.guidance_scale={scale:g}. Widen the one, or set the other inside it."
            )
        return self

    @model_validator(mode="after")
    def _whole_batches(self) -> Config:
        batch = self.model.batch_size
        for name in ("images", "rung_images", "heldout_images"):
            count = getattr(self.quality, name)
            if count % batch:
                raise ValueError(
                    f"quality.{name}={count} is not a multiple of model.batch_size={batch}. "
                    f"Take quality.{name}={max(batch, count // batch * batch)}, or another batch."
                )
        return self

    @model_validator(mode="after")
    def _jobs_meet_on_a_server(self) -> Config:
        if self.launcher.kind == "slurm" and self.storage.kind != "postgres":
            raise ValueError(
                f"launcher=slurm does not run with storage={self.storage.kind}, where its jobs "
                "cannot meet. Set storage=postgres."
            )
        return self

    @model_validator(mode="after")
    def _bounds_are_measured(self) -> Config:
        for name in self.limits().metrics:
            if metric(name).real and self.quality.real == "none":
                raise ValueError(
                    f"constraints.{name} needs real images, and quality.real is none. Set "
                    "quality.real to a folder of images, or leave the bound out."
                )
        return self

    def limits(self) -> Constraints:
        """The parsed constraints."""
        return self.constraints.constraints(self.quality.objective)

    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics, besides the FIDs, that every complete trial is measured by."""
        names = (self.quality.objective, *self.quality.record, *self.limits().metrics)
        return tuple(name for name in dict.fromkeys(names) if name not in FIDS)


def parse_config(values: Mapping[str, Any]) -> Config:
    """Validate a resolved configuration.

    Raises:
        ConfigError: with every mistake: its key and value, what is wrong, and the remedy.
    """
    return _parse(Config, values)


class _ModelAlone(Settings):
    model: ModelSettings


def parse_model(values: Mapping[str, Any]) -> ModelSettings:
    """The model of a resolved configuration; its other groups are not looked at.

    Raises:
        ConfigError: see :func:`parse_config`.
    """
    return _parse(_ModelAlone, {"model": values["model"]}).model


def _parse(group: type[Group], values: Mapping[str, Any]) -> Group:
    try:
        return group.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError("The configuration cannot be used", sentences(error)) from None
