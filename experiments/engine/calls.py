"""Single denoiser calls timed side by side: overhead, cached calls, pruning."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import torch
from torch import nn

import dato
from dato import Schedule
from dato.denoisers.unet import Unit, down_units, up_units
from experiments.engine.loops import clock_of
from experiments.engine.pipelines import SharedUNet
from experiments.engine.schedules import pruned

Run = Callable[[], object]
RATIOS = (0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7)
_SKIPPED = 2
"""First rounds that warm up; from the third call on the dynamics are known too."""


def null_overhead(shared: SharedUNet, rounds: int) -> list[float]:
    """Time of a full call under a null schedule over that of the unpatched call, by round."""
    return _ratios(shared, [None, Schedule.full(rounds + _SKIPPED)], rounds)[0]


def pruning(shared: SharedUNet, rounds: int) -> dict[float, list[float]]:
    """Time of an unpatched call over that of a call pruned at a ratio, by round."""
    level, calls = shared.architecture.level, rounds + _SKIPPED
    schedules = [pruned(calls, level, ratio) for ratio in RATIOS]
    ratios = _ratios(shared, [None, *schedules], rounds)
    return {ratio: [1 / each for each in rows] for ratio, rows in zip(RATIOS, ratios, strict=True)}


def cached(shared: SharedUNet, depth: int, rounds: int) -> list[float]:
    """Time of a cached call over the sum of its units, each run alone on recorded inputs."""
    calls = rounds + _SKIPPED
    pipe = dato.apply(shared.pipe(), Schedule.uniform(calls, calls, depth))
    units = _units(shared, depth)
    times = _times(
        [_caller(pipe, shared, calls), lambda: [unit() for unit in units]], shared, calls
    )
    return [call / alone for call, alone in times[_SKIPPED:]]


def _ratios(
    shared: SharedUNet, schedules: Sequence[Schedule | None], rounds: int
) -> list[list[float]]:
    """Time under each schedule but the first over that under the first, by round."""
    calls = rounds + _SKIPPED
    runs = []
    for schedule in schedules:
        pipe = shared.pipe()
        runs.append(
            _caller(pipe if schedule is None else dato.apply(pipe, schedule), shared, calls)
        )
    times = _times(runs, shared, calls)[_SKIPPED:]
    return [[row[place] / row[0] for row in times] for place in range(1, len(runs))]


@torch.no_grad()
def _times(runs: Sequence[Run], shared: SharedUNet, rounds: int) -> list[list[float]]:
    """Seconds of each run, one list for each round; every other round runs backwards."""
    rows = []
    for number in range(rounds):
        backwards = number % 2
        clock = clock_of(shared.unet.device)
        clock.mark()
        for run in reversed(runs) if backwards else runs:
            run()
            clock.mark()
        seconds = clock.seconds()
        rows.append(seconds[::-1] if backwards else seconds)
    return rows


def _caller(pipe: Any, shared: SharedUNet, calls: int) -> Run:
    """Calls the denoiser of a guided run, one timestep further each time."""
    pipe.scheduler.set_timesteps(calls, device=shared.unet.device)
    timesteps = iter(pipe.scheduler.timesteps)
    arguments = shared.call()
    return lambda: pipe.denoise(timestep=next(timesteps), **arguments)


def _units(shared: SharedUNet, depth: int) -> list[Run]:
    """The modules that a call of ``depth`` recomputes, each on the inputs of a full call."""
    unet = shared.pipe().unet
    branches = dato.topology(unet).skip_branches
    down, up = islice(down_units(unet), depth - 1), islice(up_units(unet), branches - depth, None)
    ends = (unet.time_proj, unet.time_embedding, getattr(unet, "add_time_proj", None))
    added = (getattr(unet, "add_embedding", None), unet.conv_in)
    modules: list[nn.Module] = [module for module in (*ends, *added) if module is not None]
    modules += [module for unit in (*down, *up) for module in _modules(unit)]
    modules += [unet.conv_norm_out, unet.conv_act, unet.conv_out]
    inputs: dict[nn.Module, tuple[Any, Any]] = {}

    def record(module: nn.Module, args: Any, kwargs: Any) -> None:
        inputs[module] = (args, kwargs)

    handles = [each.register_forward_pre_hook(record, with_kwargs=True) for each in modules]
    with torch.no_grad():
        unet(timestep=torch.tensor(500, device=unet.device), **shared.call())
    for handle in handles:
        handle.remove()
    return [_alone(module, *inputs[module]) for module in modules]


def _modules(unit: Unit) -> list[nn.Module]:
    single = [unit.resnet, unit.attention]
    return [module for module in (*single, *(unit.samplers or ())) if module is not None]


def _alone(module: nn.Module, args: Any, kwargs: Any) -> Run:
    return lambda: module(*args, **kwargs)


def summary(values: Sequence[float]) -> dict[str, float]:
    """Median and quartiles."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": middle, "low": low, "high": high, "count": len(values)}
