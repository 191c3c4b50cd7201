"""Messages between driver and workers, pickled on their way through a pipe or Ray."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from search.errors import TrialError, UserError
from search.model.description import ModelDescription
from search.model.generator import Generator
from search.model.images import Images
from search.records.base_sampler import Run


@dataclass(frozen=True)
class Task:
    """One chunk of images to generate."""

    run: Run
    chunk: int
    heldout: bool


@dataclass(frozen=True)
class Measurement:
    """A function of the worker's model. If it measures time, no other worker has work meanwhile."""

    work: Callable[[Generator], Any]


Order = Task | Measurement


@dataclass(frozen=True)
class Begun:
    """The worker has its order, and works on it from now on."""


@dataclass(frozen=True)
class Done:
    """A chunk's images, as arrays: tensors would travel through shared memory."""

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
    """The result of a measurement."""

    value: Any


@dataclass(frozen=True)
class Ready:
    """The worker has loaded its model."""

    description: ModelDescription


@dataclass(frozen=True)
class Failed:
    """An error, and whether the schedule (``"trial"``), the settings (``"user"``) or the code is to
    blame."""

    blame: str
    message: str


Answer = Ready | Begun | Done | Found | Failed


def as_exception(failed: Failed) -> Exception:
    """A worker's failure as an exception for the driver to raise."""
    if failed.blame == "trial":
        return TrialError(failed.message)
    if failed.blame == "user":
        return UserError(failed.message)
    return RuntimeError(f"A worker process failed.\n{failed.message}")
