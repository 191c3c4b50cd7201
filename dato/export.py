"""From a preset and its scheduler to a sampler for any runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from dato.errors import UnsupportedError
from dato.portable import PortableCall, PortableSampler
from dato.preset import Preset
from dato.runtime.forecast import forecasts
from dato.runtime.fusion import skipped_calls
from dato.sampler.noise_levels import noise_levels
from dato.sampler.probe import NotLinearError
from dato.sampler.rehearsal import rehearsed
from dato.sampler.trace import Update
from dato.sampler.traced import traced
from dato.sampler.traits import FLOW, predicted
from dato.sampler.tuned import tuned_updates
from dato.schedule import Schedule
from dato.scheduler_settings import check_scheduler


def export_sampler(preset: Preset, scheduler: Any) -> PortableSampler:
    """What a runtime without diffusers needs to run a preset.

    Args:
        preset: of full and skipped calls, none of them pruned, or a tuned sampler.
        scheduler: a pipeline's, such as ``pipe.scheduler``; stays as it is. Where
            the pipeline passes its ``set_timesteps`` more than the number of steps (FLUX: noise
            levels, ``mu``), it is taken after that.

    Raises:
        MismatchError: the preset is for another scheduler, or for other settings of it.
        UnsupportedError: the preset has cuts or prunes, or the scheduler cannot be fused.
    """
    schedule = preset.schedule
    check_plain(schedule)
    check_scheduler(preset.sampler, scheduler)
    prepared = _started(preset, scheduler)
    timesteps, updates = _run(preset, prepared)
    levels = noise_levels(prepared)
    places = torch.tensor(timesteps, dtype=torch.float64, device="cpu")
    sigmas = levels.sigmas(places).tolist()
    calls = zip(timesteps, sigmas, updates, strict=True)
    return PortableSampler.model_validate(
        {
            "name": preset.name,
            "model": preset.model.id,
            "latent_size": preset.model.latent_size,
            "guidance_scale": preset.sampler.guidance_scale,
            "speedup": None if preset.measured is None else preset.measured.speedup,
            "prediction": levels.kind,
            "initial_noise_scale": levels.start,
            "calls": tuple(_call(number, *parts) for number, parts in enumerate(calls)),
        }
    )


def _started(preset: Preset, scheduler: Any) -> Any:
    """The scheduler at the start of the preset's run."""
    calls, given = preset.schedule.calls, preset.sampler.timesteps
    start = rehearsed(scheduler, calls, given)
    if start is None:
        return scheduler
    passed = predicted(scheduler) == FLOW and not given and len(scheduler.timesteps) == calls
    if passed and not torch.allclose(scheduler.timesteps.cpu(), start.timesteps):
        return scheduler  # at noise levels that its pipeline passes, which no preset says
    return start


def says_its_levels(preset: Preset, scheduler: Any) -> bool:
    """Whether a preset and its scheduler say all noise levels of a run. Pipelines of flow matching
    may pass other ones to the scheduler, but where the preset has timesteps or a tuned sampler."""
    fixed = preset.schedule.tuned is not None or preset.sampler.timesteps
    return bool(fixed) or predicted(scheduler) != FLOW


def check_plain(schedule: Schedule) -> None:
    """Raise :class:`UnsupportedError` when a schedule reaches into the denoiser."""
    for name, kind in schedule.kinds.items():
        if kind.prune or kind.depth not in (0, "full"):
            does = "prunes tokens" if kind.prune else f"recomputes to depth {kind.depth}"
            raise UnsupportedError(
                f"The kind {name!r} {does}, which happens inside the denoiser and not in a "
                "sampler.",
                remedy="Export a preset of full and skipped calls without pruning, or a tuned one.",
            )


def _run(preset: Preset, scheduler: Any) -> tuple[Sequence[float], Sequence[Update]]:
    """Timesteps and updates of the computed calls."""
    schedule = preset.schedule
    if schedule.tuned is not None:
        return schedule.tuned.timesteps, tuned_updates(scheduler, schedule.tuned)
    timesteps = getattr(scheduler, "timesteps", ())
    _check_timesteps(preset, scheduler, [float(each) for each in timesteps])
    try:
        calls = skipped_calls(schedule, scheduler, forecasts)
        trace, _ = traced(scheduler, calls, schedule.quantity)
    except NotLinearError as error:
        raise UnsupportedError(
            f"This sampler is no weighted sum ({error}).", remedy="Use one that can be fused."
        ) from error
    return [float(timesteps[number]) for number in trace.calls], trace.updates


def _check_timesteps(preset: Preset, scheduler: Any, timesteps: Sequence[float]) -> None:
    first = "Call its set_timesteps first, with all that the pipeline passes"
    if len(timesteps) != preset.schedule.calls:
        raise UnsupportedError(
            f"The {type(scheduler).__name__} has {len(timesteps)} timesteps, but the preset makes "
            f"{preset.schedule.calls} calls.",
            remedy=f"{first}.",
        )
    if getattr(scheduler, "step_index", None) is not None:
        raise UnsupportedError(
            f"The {type(scheduler).__name__} has begun its run, at timesteps that no preset says.",
            remedy=f"{first}.",
        )
    wanted = preset.sampler.timesteps
    has = list(dict.fromkeys(timesteps))  # Heun calls twice at each
    if wanted and not (len(has) == len(wanted) and np.allclose(has, wanted, rtol=0, atol=1)):
        raise UnsupportedError(
            f"The {type(scheduler).__name__} is at the timesteps {_listed(has)}, but the preset's "
            f"are {_listed(wanted)}.",
            remedy=f"{first}, and the preset's timesteps.",
        )


def _listed(timesteps: Sequence[float]) -> str:
    return f"[{', '.join(f'{each:g}' for each in timesteps)}]"


def _call(number: int, timestep: float, sigma: float, update: Update) -> PortableCall:
    return PortableCall(
        timestep=timestep,
        sigma=sigma,
        input_scale=update.scale,
        latents=_newest_first(update.latents, number),
        outputs=_newest_first(update.outputs, number),
    )


def _newest_first(weights: Mapping[int, float], number: int) -> tuple[float, ...]:
    """One for each call from this one back to the last that has a weight."""
    oldest = min(weights, default=number)
    return tuple(float(weights.get(call, 0.0)) for call in range(number, oldest - 1, -1))
