"""The parts of a preset that surround its schedule. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class ModelInfo:
    """The model that a preset was searched on.

    Args:
        id: ``"pocket"``, a hub name or a path; for people and for ``list_presets(model)``.
        skip_branches: number of skip branches of its denoiser.
        fingerprint: ``"sha256:<64 hex digits>"`` of the denoiser's weights; empty when unknown.
        latent_size: height and width of the latents in elements.
    """

    id: str
    skip_branches: int
    fingerprint: str
    latent_size: tuple[int, int]


@dataclass(frozen=True)
class SamplerInfo:
    """How the pipeline is run.

    Args:
        scheduler: class name of the diffusers scheduler, such as ``"DDIMScheduler"``.
        num_inference_steps: what the pipeline is asked for.
        calls: forwards of the denoiser that this makes; PNDM makes 51 for 50 steps.
        guidance_scale: classifier-free guidance weight.
    """

    scheduler: str
    num_inference_steps: int
    calls: int
    guidance_scale: float


@dataclass(frozen=True)
class Measured:
    """What was measured when the preset was exported, beside the unpatched model's own numbers.

    Args:
        fid: FID on held-out prompts, ``images`` of them; ``baseline_fid`` the unpatched model's.
        latency_s: seconds per image of the denoising loop on ``device``.
        speedup: ``baseline_latency_s / latency_s``.
        device: name of the device that was timed.
    """

    fid: float
    latency_s: float
    speedup: float
    device: str
    images: int
    baseline_fid: float
    baseline_latency_s: float


@dataclass(frozen=True)
class Provenance:
    """Where a preset came from.

    Args:
        study: study name; empty for a preset written by hand.
        trial: trial number in that study.
        created: ISO 8601 date or time; empty when unknown.
        versions: library versions by name.
    """

    study: str = ""
    trial: int = 0
    created: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "versions", MappingProxyType(dict(sorted(self.versions.items()))))

    def __hash__(self) -> int:
        return hash((self.study, self.trial, self.created, tuple(self.versions.items())))

    def __reduce__(self) -> tuple[type[Provenance], tuple[object, ...]]:
        return (Provenance, (self.study, self.trial, self.created, dict(self.versions)))
