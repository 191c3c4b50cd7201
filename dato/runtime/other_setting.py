"""Warns where a pipeline is called with another setting than its preset was found at."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

from dato.errors import SettingWarning
from dato.fit import Fit
from dato.preset.info import SamplerInfo
from dato.runtime.caller import Caller
from dato.runtime.flow_matching import warn_of_diffusion
from dato.runtime.passed_levels import difference, passed_to, warn_unused


def warn_of_other_setting(fit: Fit, caller: Caller, scheduler: Any, denoiser: Any) -> None:
    """Warn, once for each difference, at the start of a run. A schedule on its own says nothing of
    a setting, and a loop by hand has none; but no model runs on the sampler of another kind."""
    warn_of_diffusion(denoiser, scheduler)
    tuned, setting = fit.sampler, caller.setting
    if tuned is None or setting is None:
        return
    differences: list[str] = []
    scale = setting.guidance_scale
    if scale is not None and not tuned.serves(scale) and _matters(tuned, caller, denoiser):
        differences.append(_other_scale(tuned, scale))
    if setting.guidance_rescale and caller.guided:
        differences.append(f"guidance_rescale=0, and this run has {setting.guidance_rescale:g}")
    if setting.eta and "eta" in inspect.signature(scheduler.step).parameters:
        differences.append(
            f"eta=0, and this run has {setting.eta:g}, which draws noise at each step"
        )
    if fit.schedule.tuned is None:
        differences += filter(None, [difference(fit, setting, scheduler)])
    elif passed := passed_to(setting, scheduler):
        warn_unused(fit, passed)
    for each in differences:
        warnings.warn(
            f"The preset {fit.name!r} was found at {each}. What was measured of it does not "
            "hold here: look at its images beside the unpatched ones, call the pipeline as the "
            "preset was found, or search a preset at this setting. "
            "dato.apply(pipe, preset.schedule) runs it without this check.",
            SettingWarning,
            stacklevel=2,
        )


def _matters(tuned: SamplerInfo, caller: Caller, denoiser: Any) -> bool:
    """Whether another scale gives other images. Unguided runs of all scales are the same; where a
    pipeline has no such guidance (FLUX), so are those of a denoiser that was distilled without the
    scale as an input."""
    if caller.guided is not None:
        return caller.guided or tuned.guidance_scale > 1
    return bool(getattr(denoiser, "config", {}).get("guidance_embeds", True))


def _other_scale(tuned: SamplerInfo, scale: float) -> str:
    known = (
        "a higher scale makes forecasts miss more, up to noise"
        if scale > tuned.guidance_scale
        else "a lower scale is easier to forecast"
    )
    scales = f"guidance_scale={tuned.guidance_scale:g}"
    if tuned.guidance_range is not None:
        low, high = tuned.guidance_range
        scales = f"guidance scales from {low:g} to {high:g}"
    return f"{scales}, and this run has {scale:g}; {known}"
