"""What people call the schedulers of diffusers."""

from __future__ import annotations

_TITLES = {
    "CosineDPMSolverMultistepScheduler": "Cosine DPM-Solver++ 2M",
    "DEISMultistepScheduler": "DEIS",
    "DPMSolverMultistepScheduler": "DPM-Solver++ 2M",
    "DPMSolverSDEScheduler": "DPM-Solver++ SDE",
    "DPMSolverSinglestepScheduler": "DPM-Solver++ 2S",
    "EDMDPMSolverMultistepScheduler": "EDM DPM-Solver++ 2M",
    "EDMEulerScheduler": "EDM Euler",
    "EulerAncestralDiscreteScheduler": "Euler ancestral",
    "EulerDiscreteScheduler": "Euler",
    "FlowMapEulerDiscreteScheduler": "Flow-map Euler",
    "FlowMatchEulerDiscreteScheduler": "Euler",
    "FlowMatchHeunDiscreteScheduler": "Heun",
    "FlowMatchLCMScheduler": "LCM",
    "HeunDiscreteScheduler": "Heun",
    "KDPM2AncestralDiscreteScheduler": "KDPM2 ancestral",
    "KDPM2DiscreteScheduler": "KDPM2",
    "LMSDiscreteScheduler": "LMS",
    "PNDMScheduler": "PLMS",
    "SASolverScheduler": "SA-Solver",
    "UniPCMultistepScheduler": "UniPC",
}
"""No two that one model can run have the same."""


def sampler_title(scheduler: str) -> str:
    """A scheduler's name as papers have it, such as ``"DPM-Solver++ 2M"``."""
    return _TITLES.get(scheduler, scheduler.removesuffix("Scheduler"))
