"""The configuration as frozen, validated values: parsed once, all mistakes reported at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from search.constraints import Constraints, parse_bounds
from search.duration import parse_duration
from search.errors import ConfigError


class Settings(BaseModel):
    """Base of all groups: immutable, and unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ModelSettings(Settings):
    """Which pipeline is tuned, and how it samples.

    Args:
        id: name written into presets.
        path: ``"pocket"``, a diffusers pipeline folder or a hub id.
        weights: ``"pretrained"`` (of ``path``), or without weights ``"random"``: ``architecture``
            as published, or ``"tiny"``: at reduced width.
        architecture: what is built without weights.
        scheduler: a diffusers scheduler class name.
        batch_size: images per pipeline call; also the batch that latency is measured at.
        prompts: ``"pocket"``, a text file with one prompt a line, ``coco:FILE``,
            ``imagenet:FILE`` or ``datasets:NAME:SPLIT:COLUMN``.
        vae_slicing: decode one image at a time; ``vae_tiling`` decode in overlapping tiles. Both
            need less memory.
    """

    id: str
    path: str
    weights: Literal["pretrained", "random", "tiny"] = "pretrained"
    architecture: Literal["sd15", "sd21", "sdxl", "pixart"] | None = None
    scheduler: str
    num_inference_steps: int = Field(ge=2, le=1000)
    guidance_scale: float = Field(ge=0)
    dtype: Literal["float32", "float16", "bfloat16"]
    device: str
    batch_size: int = Field(ge=1)
    prompts: str
    vae_slicing: bool = False
    vae_tiling: bool = False


class QualitySettings(Settings):
    """How images are judged.

    Args:
        objective: which FID is minimised.
        features: the feature network behind every FID: ``"pocket"`` (embedded), ``"inception"``
            (of published FIDs; extra ``fid``), ``"inception_released"`` (as the paper's released
            code has it), or an installed package's (``search.evaluate.features``).
        features_path: file of an Inception's weights; null lets its package download them.
        real: ``"pocket"`` renders, a folder of images, an ``.npz`` file of statistics, or
            ``"none"``.
        images: images of a complete trial.
        rung_images: images of the first, cheap rung.
        rung_margin: a trial is pruned when a complete trial of no more latency has an FID on the
            first rung's images smaller than its own by more than this factor; once a dozen trials
            are complete, by a factor learnt from how well that FID foretold the final one.
        real_images: real images behind ``fid_real``; a file of statistics ignores it.
        heldout_images: images of the audit that ends a sweep, on prompts the search never saw.
        heldout_members: how many front members that audit takes, spread over latency.
    """

    objective: Literal["fid_reference", "fid_real"]
    features: str
    features_path: str | None = None
    real: str
    images: int = Field(ge=2)
    rung_images: int = Field(ge=2)
    rung_margin: float = Field(ge=1)
    real_images: int = Field(ge=2)
    heldout_images: int = Field(ge=2)
    heldout_members: int = Field(ge=1)

    @model_validator(mode="after")
    def _rung_is_smaller(self) -> QualitySettings:
        if self.rung_images >= self.images:
            raise ValueError("rung_images must be smaller than images")
        return self

    @model_validator(mode="after")
    def _objective_is_measured(self) -> QualitySettings:
        if self.objective == "fid_real" and self.real == "none":
            raise ValueError(
                "objective=fid_real needs real images: set real, or minimise fid_reference"
            )
        return self


class LatencySettings(Settings):
    """How latency is measured.

    Args:
        repeats: interleaved repeats of each measured quantity.
        budget_s: seconds after which a cost table takes what it has, once each kind was seen.
        check_schedules: random schedules timed end to end to learn the cost table's error.
        tables: files that ``dato-search calibrate`` wrote. The one for this device, dtype and batch
            is used instead of measuring; what the front would cost on the others is reported.
    """

    repeats: int = Field(ge=1)
    budget_s: float = Field(gt=0)
    check_schedules: int = Field(ge=0)
    tables: tuple[str, ...] = ()


class SamplerSettings(Settings):
    """Optuna's sampler: its name and keyword arguments.

    Args:
        refine: share of the proposals that change a member of the front instead.
    """

    name: Literal["tpe", "gp", "nsga2", "random"]
    options: Mapping[str, Any] = Field(default_factory=dict)
    refine: float = Field(default=0.0, ge=0, le=1)


class StorageSettings(Settings):
    """Where the trials live, inside the study folder."""

    kind: Literal["journal", "sqlite"]


class TrackerSettings(Settings):
    """Who is told about trials.

    Args:
        per_trial: also a light W&B run for each trial, in the study's group, so that parallel
            coordinates and parameter importance work in W&B.
    """

    kind: Literal["wandb", "none"]
    mode: Literal["offline", "online"] = "offline"
    project: str = "dato"
    entity: str | None = None
    per_trial: bool = False


class LauncherSettings(Settings):
    """Who generates images: this process, processes on this machine, or a Ray cluster's.

    Args:
        workers: how many; by default one for each core, or what the cluster has room for.
        timeout: wall-clock time after which a worker that has not finished a batch is replaced
            and its trial failed, such as ``"10m"``; by default none. This process cannot be.
        address: of a running Ray cluster, or ``"auto"``; by default Ray runs on this machine.
    """

    kind: Literal["serial", "local", "ray"]
    workers: int | None = Field(default=None, ge=1, le=256)
    timeout: str | None = None
    address: str | None = None

    @field_validator("timeout", mode="before")
    @classmethod
    def _is_a_duration(cls, value: Any) -> Any:
        return _duration(value)

    @property
    def timeout_s(self) -> float | None:
        """The timeout in seconds."""
        return None if self.timeout is None else parse_duration(self.timeout)


def _duration(value: Any) -> str | None:
    """``value`` as the text of a duration. Raises ValueError when it is none."""
    if value is None:
        return None
    parse_duration(str(value))
    return str(value)


class BudgetSettings(Settings):
    """When the search ends: at the limit that is reached first.

    Args:
        trials: finished trials; ``images``: generated images.
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
        return _duration(value)


class ConstraintSettings(Settings):
    """Bounds that the front keeps, in the grammar of ``search.constraints``.

    Args:
        speedup: such as ``">=5"`` or ``">=2,<=8"``.
        fid: on the study's objective, such as ``"<=20"`` or ``"<=baseline+0.5"``.
    """

    speedup: str | None = None
    fid: str | None = None

    @field_validator("speedup", "fid")
    @classmethod
    def _parses(cls, value: str | None) -> str | None:
        if value is not None:
            parse_bounds(value)
        return value

    @field_validator("speedup")
    @classmethod
    def _is_a_factor(cls, value: str | None) -> str | None:
        if value is not None and any(b.relative or b.limit <= 0 for b in parse_bounds(value)):
            raise ValueError("a speed-up is a factor above 0 over the unpatched model, such as >=5")
        return value

    @field_validator("fid")
    @classmethod
    def _bounds_from_above(cls, value: str | None) -> str | None:
        if value is not None and not all(bound.upper for bound in parse_bounds(value)):
            raise ValueError("a lower FID is always welcome, so its bounds are <= ones")
        return value

    def constraints(self) -> Constraints:
        """The parsed bounds."""
        return Constraints(
            speedup=() if self.speedup is None else parse_bounds(self.speedup),
            fid=() if self.fid is None else parse_bounds(self.fid),
        )


class WarmstartSettings(Settings):
    """Which schedules are tried before the sampler takes over, as far as the space has them.

    Args:
        count: how many uniform ones.
        optimal: how many of least predicted damage, found by dynamic programming from a
            measurement of single calls; only where the space gives every call a depth of its own.
        study: folder of another study whose front is tried.
    """

    count: int = Field(ge=0)
    optimal: int = Field(default=0, ge=0)
    study: str | None = None


class StudySettings(Settings):
    """The study's name, folder and seed."""

    name: str = Field(min_length=1)
    folder: str = Field(min_length=1)
    seed: int = Field(ge=0, lt=2**31)


class Config(Settings):
    """Everything a study needs to know; the space keeps its own language (``search.space``)."""

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

    @model_validator(mode="after")
    def _whole_batches(self) -> Config:
        batch = self.model.batch_size
        for name in ("images", "rung_images", "heldout_images"):
            count = getattr(self.quality, name)
            if count % batch:
                raise ValueError(
                    f"quality.{name}={count} must be a multiple of model.batch_size={batch}"
                )
        return self


def parse_config(values: Mapping[str, Any]) -> Config:
    """Validate a resolved configuration.

    Raises:
        ConfigError: with every mistake, each naming the key, the rule and the value.
    """
    try:
        return Config.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(
            "The configuration", [_sentence(item) for item in error.errors()]
        ) from None


def _sentence(item: ErrorDetails) -> str:
    path = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{path}: no such setting; remove it or check its spelling"
    if item["type"] == "missing":
        return f"{path}: this setting is required"
    rule = item["msg"].removeprefix("Value error, ")
    if not path:
        return rule
    return f"{path}={item['input']!r}: {rule[0].lower()}{rule[1:]}"
