"""Denoising loops timed side by side: warm-up, then rounds in which every contender runs once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from experiments.engine.contenders import CONTENDERS, Contender
from experiments.engine.pipelines import SharedUNet
from search.latency.clock import Clock, CudaClock, ProcessClock

_WARM_CALLS = 6
"""Calls of a warm-up that compiles nothing."""

_COMPILE_S = 100.0
"""Seconds without which no compilation is started."""


@dataclass
class Entry:
    """A contender with its pipeline and times.

    Args:
        warmup_s: wall-clock seconds of the first runs.
        seconds: of each timed denoising loop, for the whole batch.
        failure: why it has no times.
    """

    contender: Contender
    pipe: Any = None
    warmup_s: float = 0.0
    seconds: list[float] = field(default_factory=list)
    failure: str = ""


def clock_of(device: torch.device) -> Clock:
    """Process CPU time on a CPU, events on a GPU."""
    return CudaClock() if device.type == "cuda" else ProcessClock()


def timed_loop(pipe: Any, inputs: dict[str, Any], calls: int) -> float:
    """Seconds from the first denoiser call to the end of the last sampler step."""
    clock = clock_of(pipe.unet.device)

    def begin(*_: object) -> None:
        handle.remove()
        clock.mark()

    def step(*_: object) -> dict[str, Any]:
        clock.mark()
        return {}

    handle = pipe.unet.register_forward_pre_hook(begin)
    pipe(**inputs, num_inference_steps=calls, callback_on_step_end=step)
    return sum(clock.seconds())


def race(
    shared: SharedUNet, keys: Sequence[str], calls: int, repeats: int, deadline: float
) -> list[Entry]:
    """Time contenders in rounds.

    Args:
        deadline: ``time.monotonic()`` from which on nothing new is started.
    """
    inputs = shared.inputs()
    entries = [Entry(CONTENDERS[key]) for key in keys]
    for entry in sorted(entries, key=lambda entry: entry.contender.compiles):
        _warm(entry, shared, inputs, calls, deadline)
    running = [entry for entry in entries if not entry.failure]
    for _ in range(repeats):
        started = time.monotonic()
        for entry in running:
            with entry.contender.around():
                entry.seconds.append(timed_loop(entry.pipe, inputs, calls))
        now = time.monotonic()
        if now + (now - started) > deadline:
            break
    return entries


def _warm(
    entry: Entry, shared: SharedUNet, inputs: dict[str, Any], calls: int, deadline: float
) -> None:
    """Make the pipeline and run it: shortly, or until everything is compiled."""
    contender = entry.contender
    if not contender.available:
        entry.failure = f"{contender.needs} is not installed"
        return
    started = time.monotonic()
    if contender.compiles and started + _COMPILE_S > deadline:
        entry.failure = "no time left to compile"
        return
    length = calls if contender.compiles else min(calls, _WARM_CALLS)
    try:
        entry.pipe = shared.pipe()
        contender.put(entry.pipe, length, shared.architecture)
        for _ in range(3 if contender.compiles else 1):
            timed_loop(entry.pipe, inputs, length)
        if length != calls:
            entry.pipe = shared.pipe()
            contender.put(entry.pipe, calls, shared.architecture)
    except Exception as error:
        # Another project's patch, or a compiler, may not know this denoiser or machine.
        entry.failure = f"{type(error).__name__}: {error}".splitlines()[0]
    entry.warmup_s = time.monotonic() - started
