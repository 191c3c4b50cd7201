"""What a cost table was measured under: the work, and the place where it was done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dato import Layer, Topology
from dato.preset.fields import StrictModel

if TYPE_CHECKING:  # cost tables are read without torch
    import torch
    from torch import nn

Timer = Literal["process_time", "cuda_events"]


class Work(StrictModel):
    """What is computed. Costs that were measured of other work do not apply.

    Args:
        model: its name, for people.
        architecture: digest of the shapes of the denoiser's weights; fine-tuned ones share it.
        skip_branches, layers: the denoiser's topology; none where the engine has no adapter.
        latent_size: (height, width) of the latents; ``image_size`` that of the images.
        guided: whether each image takes two rows of the batch.
        scheduler: its class name; ``calls`` of the denoiser in one run.
        fused: whether skipped calls are part of the sampler, so that they cost nothing. They were
            not when version 2 of the table was written.
    """

    model: str
    architecture: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    skip_branches: int = Field(ge=0)
    layers: tuple[Layer, ...]
    latent_size: tuple[int, int]
    image_size: tuple[int, int]
    guided: bool
    scheduler: str
    calls: int = Field(ge=1)
    fused: bool = False

    @property
    def topology(self) -> Topology:
        """Skip branches and layers, as the engine's own type."""
        return Topology(self.skip_branches, self.layers)

    def differences(self, other: Work) -> tuple[str, ...]:
        """How ``other`` is different work, such as ``"calls 20, not 50"``. Names may differ."""
        return _differences(self, other, free=("model",), brief=("architecture", "layers"))


class Place(StrictModel):
    """Where and how work is computed. A schedule has another price in each place.

    Args:
        device: its name; ``dtype`` and ``batch_size`` (images) of the runs.
        timer: how times are measured. ``process_time`` is CPU time of one thread.
    """

    device: str
    dtype: str
    batch_size: int = Field(ge=1)
    timer: Timer

    @property
    def label(self) -> str:
        """For people, such as ``"NVIDIA H200, float16, batch 4"``."""
        return f"{self.device}, {self.dtype}, batch {self.batch_size}"

    def differences(self, other: Place) -> tuple[str, ...]:
        """How ``other`` is a different place, such as ``"device A, not B"``."""
        return _differences(self, other)


def _differences(
    this: StrictModel, other: StrictModel, free: Sequence[str] = (), brief: Sequence[str] = ()
) -> tuple[str, ...]:
    """Fields in which two values of one class differ, except ``free`` ones. Of ``brief`` ones only
    the name is given."""
    unlike = []
    for name in type(this).model_fields:
        mine, theirs = getattr(this, name), getattr(other, name)
        if name not in free and mine != theirs:
            unlike.append(name if name in brief else f"{name} {theirs}, not {mine}")
    return tuple(unlike)


def timer_of(device: torch.device) -> Timer:
    """The timer for a device."""
    return "cuda_events" if device.type == "cuda" else "process_time"


def architecture_of(denoiser: nn.Module) -> str:
    """Digest of the names and shapes of a denoiser's weights, whatever their values."""
    shapes = sorted((name, tuple(weight.shape)) for name, weight in denoiser.named_parameters())
    return f"sha256:{hashlib.sha256(json.dumps(shapes).encode()).hexdigest()}"
