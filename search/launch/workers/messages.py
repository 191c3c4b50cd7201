"""What driver and workers say to each other, pickled on the way: a pipe each, or Ray."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dato import Schedule
from search.errors import TrialError, UserError
from search.model.description import ModelDescription
from search.model.generator import Generator
from search.model.images import Images


@dataclass(frozen=True)
class Task:
    """One chunk of images to generate."""

    schedule: Schedule | None
    chunk: int
    heldout: bool


@dataclass(frozen=True)
class Measurement:
    """What to find with the worker's model, alone."""

    work: Callable[[Generator], Any]


Order = Task | Measurement


@dataclass(frozen=True)
class Done:
    """A chunk's images. Arrays, not tensors: those would travel through shared memory."""

    pixels: NDArray[np.uint8]
    latents: NDArray[np.float32]
    seconds: float

    @classmethod
    def pack(cls, images: Images) -> Done:
        images = images.cpu()
        return cls(images.pixels.numpy(), images.latents.numpy(), images.seconds)

    def unpack(self) -> Images:
        return Images(torch.tensor(self.pixels), torch.tensor(self.latents), self.seconds)


@dataclass(frozen=True)
class Found:
    """What a measurement found."""

    value: Any


@dataclass(frozen=True)
class Ready:
    """The worker has loaded its model."""

    description: ModelDescription


@dataclass(frozen=True)
class Failed:
    """What went wrong: the schedule (``"trial"``), the user's settings (``"user"``) or the code."""

    blame: str
    message: str


Answer = Ready | Done | Found | Failed


def as_exception(failed: Failed) -> Exception:
    """What a worker reported, as an exception of the driver's."""
    if failed.blame == "trial":
        return TrialError(failed.message)
    if failed.blame == "user":
        return UserError(failed.message)
    return RuntimeError(f"A worker process failed.\n{failed.message}")
