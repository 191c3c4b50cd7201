"""Every scheduler of diffusers: with which settings it is fused, or why it is not."""

from __future__ import annotations

from typing import Any

import diffusers

from tests.dato.tiny import BETAS

V = {"prediction_type": "v_prediction"}
FLAT = {"timestep_spacing": "trailing", "rescale_betas_zero_snr": True}
EXACT = {"clip_sample": False}

DIFFUSION: dict[str, tuple[str, dict[str, Any]]] = {
    "ddim": ("DDIMScheduler", EXACT),
    "ddim v": ("DDIMScheduler", EXACT | V | FLAT),
    "ddim sample": ("DDIMScheduler", EXACT | {"prediction_type": "sample"}),
    "ddim parallel": ("DDIMParallelScheduler", EXACT),
    "ddim inverse": ("DDIMInverseScheduler", EXACT),
    "ddim cogvideox": ("CogVideoXDDIMScheduler", EXACT | V),
    "deis": ("DEISMultistepScheduler", {}),
    "dpm": ("DPMSolverMultistepScheduler", {}),
    "dpm v karras": ("DPMSolverMultistepScheduler", V | {"use_karras_sigmas": True}),
    "dpm third order": ("DPMSolverMultistepScheduler", {"solver_order": 3}),
    "dpm inverse": ("DPMSolverMultistepInverseScheduler", {}),
    "dpm single": ("DPMSolverSinglestepScheduler", {"lower_order_final": True}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler v": ("EulerDiscreteScheduler", V),
    "euler karras": ("EulerDiscreteScheduler", {"use_karras_sigmas": True}),
    "euler exponential": ("EulerDiscreteScheduler", {"use_exponential_sigmas": True}),
    "euler beta": ("EulerDiscreteScheduler", {"use_beta_sigmas": True}),
    "heun": ("HeunDiscreteScheduler", {}),
    "kdpm2": ("KDPM2DiscreteScheduler", {}),
    "lms": ("LMSDiscreteScheduler", {}),
    "plms": ("PNDMScheduler", {"skip_prk_steps": True}),
    "pndm": ("PNDMScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "unipc v third order": ("UniPCMultistepScheduler", V | {"solver_order": 3}),
}
"""On a diffusion model, with Stable Diffusion's noise schedule."""

PLAIN = ("EDMDPMSolverMultistepScheduler", "EDMEulerScheduler", "IPNDMScheduler")
"""On a diffusion model, with noise schedules of their own."""

FLOW: dict[str, tuple[str, dict[str, Any]]] = {
    "euler": ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0}),
    "euler karras": ("FlowMatchEulerDiscreteScheduler", {"use_karras_sigmas": True}),
    "heun": ("FlowMatchHeunDiscreteScheduler", {"shift": 3.0}),
    "map": ("FlowMapEulerDiscreteScheduler", {}),
    "dpm": (
        "DPMSolverMultistepScheduler",
        {"prediction_type": "flow_prediction", "use_flow_sigmas": True},
    ),
    "unipc": (
        "UniPCMultistepScheduler",
        {"prediction_type": "flow_prediction", "use_flow_sigmas": True},
    ),
}
"""On a flow-matching model."""

NOT_LINEAR: dict[str, dict[str, Any]] = {
    "DDIMScheduler": {},
    "DDPMScheduler": EXACT,
    "DDPMParallelScheduler": EXACT,
    "EulerAncestralDiscreteScheduler": {},
    "KDPM2AncestralDiscreteScheduler": {},
    "LCMScheduler": {},
    "TCDScheduler": {},
    "SASolverScheduler": {},
    "DPMSolverMultistepScheduler": {"algorithm_type": "sde-dpmsolver++"},
    "UniPCMultistepScheduler": {"thresholding": True},
}
"""They clip, threshold, or draw noise."""

REFUSED = {
    "BlockRefinementScheduler": "predicts tokens",
    "DiscreteDDIMScheduler": "predicts tokens",
    "EntropyBoundScheduler": "predicts tokens",
    "CMStochasticIterativeScheduler": "draws noise",
    "CogVideoXDPMScheduler": "its step takes other arguments",
    "DDPMWuerstchenScheduler": "draws noise",
    "FlowMatchLCMScheduler": "draws noise",
    "KarrasVeScheduler": "its step takes other arguments",
    "LTXEulerAncestralRFScheduler": "draws noise",
    "PiflowScheduler": "the model's output is a policy, not a velocity",
    "RePaintScheduler": "its step takes a picture and a mask",
    "UnCLIPScheduler": "draws noise",
}
"""No trace comes of them, and why."""

UNTRIED = {
    "AmusedScheduler": "predicts tokens",
    "VQDiffusionScheduler": "predicts tokens",
    "CosineDPMSolverMultistepScheduler": "draws noise; needs torchsde",
    "DPMSolverSDEScheduler": "draws noise; needs torchsde",
    "HeliosDMDScheduler": "draws noise",
    "HeliosScheduler": "its step needs more than a timestep",
    "RFD4ProteinaScheduler": "made for proteins",
    "SCMScheduler": "draws noise",
    "ScoreSdeVeScheduler": "draws noise",
}
"""Not tried here, and why."""

MODULAR = "MiniMaxH3Scheduler"
"""Deterministic, but no pipeline has it: it steps blocks of a modular one."""


def made(name: str, config: dict[str, Any]) -> Any:
    return getattr(diffusers, name)(**config)


def of_diffusion(name: str) -> Any:
    """A scheduler of ``DIFFUSION`` or ``PLAIN``."""
    kind, config = DIFFUSION.get(name, (name, {}))
    return made(kind, config if name in PLAIN else BETAS | config)


def calls_of(scheduler: Any, steps: int) -> int:
    """How often the model is called in a run of so many steps."""
    scheduler.set_timesteps(steps)
    return len(scheduler.timesteps)
