"""Timesteps and noise levels of a caller's own, beside those that a preset belongs to."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from dato.errors import SettingWarning
from dato.fit import Fit
from dato.runtime.call_setting import CallSetting
from dato.sampler.rehearsal import rehearsed

_SHOWN = 6
_NEAR = 1.0
"""How far rounding moves a timestep."""


def warn_unused(fit: Fit, passed: str) -> None:
    """Warn of timesteps or sigmas that were passed to a run at timesteps of the preset's own."""
    warnings.warn(
        f"The preset {fit.name!r} runs at timesteps of its own, so that {passed} of this call "
        "changes nothing. Leave it out, or call dato.remove first to run it.",
        SettingWarning,
        stacklevel=2,
    )


def warn_unlike(
    fit: Fit, setting: CallSetting, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """The same where a scheduler was asked for others, unless these are the preset's own.

    Args:
        before: arguments of ``set_timesteps`` as the pipeline gave them.
        after: those that it gets.
    """
    if setting.own is None or before is after:
        return
    name, values = setting.own
    given, tolerance = after.get(name), _NEAR if name == "timesteps" else 1e-3
    if given is None or not _close(values, list(given), tolerance):
        warn_unused(fit, words(name, values))


def difference(fit: Fit, setting: CallSetting, scheduler: Any) -> str:
    """What a preset that is not tuned was found at, and what this run has; empty where they agree.

    Args:
        scheduler: after ``set_timesteps``.
    """
    assert fit.sampler is not None
    every = list(dict.fromkeys(scheduler.timesteps.tolist()))  # Heun calls twice at each
    recorded = fit.sampler.timesteps
    if recorded and _close(every, recorded, _NEAR):
        return ""
    passed = passed_to(setting, scheduler)
    found = "its own timesteps" if recorded else "the timesteps that its sampler makes itself"
    return f"{found}, and this run has {passed}" if passed else ""


def passed_to(setting: CallSetting, scheduler: Any) -> str:
    """The timesteps or sigmas that a call was given, such as ``"sigmas=[1, 0.5]"``; else empty.

    A pipeline's loop has forgotten the timesteps that it was given: there they are told from those
    that the scheduler makes itself.
    """
    if setting.own is not None:
        return words(*setting.own)
    taken = inspect.signature(scheduler.set_timesteps).parameters
    forgotten = isinstance(setting.levels[0], Tensor) and "timesteps" in setting.parameters
    if not forgotten or "timesteps" not in taken:
        return ""
    every = scheduler.timesteps
    own = rehearsed(scheduler, len(every))
    if own is None or _close(own.timesteps.tolist(), every.tolist(), _NEAR):
        return ""
    return words("timesteps", every.tolist())


def words(name: str, values: Sequence[float]) -> str:
    """An argument for people, cut short."""
    shown = ", ".join(f"{value:g}" for value in values[:_SHOWN])
    return f"{name}=[{shown}{', ...' if len(values) > _SHOWN else ''}]"


def _close(some: Sequence[float], others: Sequence[float], tolerance: float) -> bool:
    return len(some) == len(others) and np.allclose(some, others, rtol=0, atol=tolerance)
