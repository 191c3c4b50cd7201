"""What a preset says beside its schedule: model, sampler, measurements, origin. Imports no torch.

The reader checks files against the types of the fields. A program that makes one of these values is
trusted; saving a preset checks them as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from dato.preset.fields import (
    MAX_SETTINGS,
    MAX_STEPS,
    Branches,
    ClassName,
    Count,
    Fingerprint,
    ModelId,
    NotNegative,
    Setting,
    SettingName,
    Several,
    Size,
    Text,
)

FidTo = Literal["real", "unpatched", ""]
"""Which images an FID compares with; empty where nobody said."""

Others = Literal["default", "any"]
"""What the settings of a scheduler are that a preset does not name: the defaults of its class, or
whatever the pipeline has."""

Prompts = Literal["held-out", "searched", ""]
"""Whether the search has seen the prompts of an FID; empty where nobody said."""


@dataclass(frozen=True)
class ModelInfo:
    """The model that a preset was searched on.

    Args:
        id: ``"pocket"``, a hub name or a path; for people and for ``list_presets(model)``.
        skip_branches: number of skip branches of its denoiser.
        fingerprint: ``"sha256:<64 hex digits>"`` of the denoiser's weights; empty when unknown.
        latent_size: height and width of the latents in elements.
    """

    id: ModelId
    skip_branches: Branches
    fingerprint: Fingerprint
    latent_size: tuple[Size, Size]


@dataclass(frozen=True)
class SamplerInfo:
    """How the pipeline is run.

    Args:
        scheduler: class name of the diffusers scheduler, such as ``"DDIMScheduler"``.
        num_inference_steps: what the pipeline is asked for.
        calls: forwards of the denoiser that this makes; PNDM makes 51 for 50 steps.
        guidance_scale: classifier-free guidance weight.
        settings: what the scheduler's configuration says besides, by name, such as
            ``{"use_karras_sigmas": True}``.
        guidance_range: the lowest and the highest guidance scale that the preset was tuned for;
            ``None`` where it is ``guidance_scale`` alone.
        other_settings: what all others are: ``"default"``, the defaults of the scheduler's class,
            which a study writes, or ``"any"``, whatever the pipeline has.
        timesteps: where the steps are, falling, in the model's units; under flow matching the
            shares of noise in those units. Empty for the scheduler's own.

    Runs add no noise (``eta`` is 0) and do not rescale guidance (``guidance_rescale`` is 0).
    """

    scheduler: ClassName
    num_inference_steps: Count
    calls: Count
    guidance_scale: NotNegative
    settings: Annotated[
        Mapping[SettingName, Setting],
        Field(max_length=MAX_SETTINGS, json_schema_extra={"additionalProperties": False}),
        Several,
    ] = field(default_factory=dict)
    other_settings: Others = "any"
    guidance_range: tuple[NotNegative, NotNegative] | None = None
    timesteps: Annotated[tuple[float, ...], Field(max_length=MAX_STEPS), Several] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", MappingProxyType(dict(sorted(self.settings.items()))))

    def __hash__(self) -> int:
        return hash((*self._plain(), tuple(self.settings.items()), *self._optional()))

    def __reduce__(self) -> tuple[type[SamplerInfo], tuple[object, ...]]:
        return (SamplerInfo, (*self._plain(), dict(self.settings), *self._optional()))

    def serves(self, scale: float) -> bool:
        """Whether the preset is for runs of a guidance scale."""
        low, high = self.guidance_range or (self.guidance_scale, self.guidance_scale)
        return low <= scale <= high

    def _plain(self) -> tuple[object, ...]:
        return (self.scheduler, self.num_inference_steps, self.calls, self.guidance_scale)

    def _optional(self) -> tuple[object, ...]:
        return (self.other_settings, self.guidance_range, self.timesteps)


@dataclass(frozen=True)
class Measured:
    """What was measured when the preset was exported, beside the unpatched model's own numbers.

    Args:
        fid: FID of ``images`` images; ``baseline_fid`` that of the unpatched model, of as many.
        latency_s: seconds per image of the denoising loop on ``device``.
        speedup: how many times faster than the unpatched model. Of runs in turns, so that it can
            differ a little from the quotient of the two latencies.
        device: name of the device that was timed.
        fid_to: ``"real"`` images, or the ``"unpatched"`` model's of the same prompts and noise.
        features: name of the network whose features both FIDs compare, such as ``"pocket"``.
        prompts: ``"held-out"``, or ``"searched"`` for those that the search looked at.
        prompt_count: how many different ones; 0 where nobody said.
    """

    fid: float
    latency_s: float
    speedup: float
    device: str
    images: int
    baseline_fid: float
    baseline_latency_s: float
    fid_to: FidTo = ""
    features: str = ""
    prompts: Prompts = ""
    prompt_count: int = 0


@dataclass(frozen=True)
class Provenance:
    """Where a preset came from. A file may leave out what is empty.

    Args:
        study: study name; empty for a preset written by hand.
        trial: trial number in that study.
        created: ISO 8601 date or time; empty when unknown.
        versions: library versions by name.
    """

    study: Text = ""
    trial: Annotated[int, Field(ge=0)] = 0
    created: Text = ""
    versions: Annotated[Mapping[Text, Text], Field(max_length=1_000), Several] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "versions", MappingProxyType(dict(sorted(self.versions.items()))))

    def __hash__(self) -> int:
        return hash((self.study, self.trial, self.created, tuple(self.versions.items())))

    def __reduce__(self) -> tuple[type[Provenance], tuple[object, ...]]:
        return (Provenance, (self.study, self.trial, self.created, dict(self.versions)))
