"""Time of the pieces of a denoising run: CPU time on a CPU, events on a GPU."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

import torch

from dato import Schedule
from search.model.generator import Generator


class Clock(Protocol):
    """Takes marks without slowing the device down, and gives the times between them later."""

    def mark(self) -> None:
        """Mark the present moment."""
        ...

    def seconds(self) -> list[float]:
        """Seconds between consecutive marks; waits for the device."""
        ...


@dataclass
class ProcessClock:
    """CPU time of this process, which other processes do not change."""

    marks: list[float] = field(default_factory=list)

    def mark(self) -> None:
        self.marks.append(time.process_time())

    def seconds(self) -> list[float]:
        return [b - a for a, b in pairwise(self.marks)]


@dataclass
class CudaClock:
    """CUDA events on the current stream."""

    marks: list[Any] = field(default_factory=list)

    def mark(self) -> None:
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        self.marks.append(event)

    def seconds(self) -> list[float]:
        self.marks[-1].synchronize()
        return [a.elapsed_time(b) / 1000 for a, b in pairwise(self.marks)]


@dataclass(frozen=True)
class LoopTime:
    """One timed denoising run of a chunk, in seconds per image.

    Args:
        steps: time of each call with its sampler step; the first includes the run's set-up.
        total: time of the whole run.
    """

    steps: tuple[float, ...]
    total: float


def time_once(generator: Generator, schedule: Schedule | None, chunk: int = 0) -> LoopTime:
    """Run one chunk under ``schedule`` (``None``: unpatched) and time it."""
    clock: Clock = CudaClock() if generator.device.type == "cuda" else ProcessClock()
    with generator.applied(schedule):
        if generator.device.type == "cuda":
            torch.cuda.synchronize(generator.device)
        clock.mark()
        generator.loop(chunk, on_step=clock.mark)
        clock.mark()
    images = min(generator.model.batch_size, len(generator.workload))
    seconds = [value / images for value in clock.seconds()]
    return LoopTime(tuple(seconds[:-1]), sum(seconds))
