"""Whether a model is of the kind that a sampler was made for. Imports nothing of ComfyUI."""

from __future__ import annotations

from typing import Any

import torch

from dato.errors import MismatchError
from dato.portable import PortableSampler

PREDICTIONS = {
    "EPS": "epsilon",
    "V_PREDICTION": "v_prediction",
    "X0": "sample",
    "CONST": "flow_prediction",
}
"""What the classes of ``comfy.model_sampling`` stand for that turn outputs into clean samples."""

_CLOSE = 1e-3
"""How far above the model's highest noise level the first may be, of its size."""


def check_model(sampler: PortableSampler, model_sampling: Any) -> None:
    """Compare prediction and noise levels with those of the model that a sampler was made for.

    Args:
        model_sampling: a model's ``model_sampling``.

    Raises:
        MismatchError: with what differs.
    """
    has = _prediction(model_sampling)
    if has != sampler.prediction:
        raise _mismatch(sampler, f"for models that predict {sampler.prediction}", f"{has} here")
    if getattr(model_sampling, "noise_scale", 1.0) != 1.0:
        scale = model_sampling.noise_scale
        raise _mismatch(sampler, "for noise of deviation 1", f"this model's has {scale:g}")
    first, highest = sampler.calls[0].sigma, float(model_sampling.sigma_max)
    if first > highest * (1 + _CLOSE):
        begins = f"for runs that begin at the noise level {first:g}"
        raise _mismatch(sampler, begins, f"the highest here is {highest:g}")
    if not sampler.flow:
        _check_schedule(sampler, model_sampling)


def _check_schedule(sampler: PortableSampler, model_sampling: Any) -> None:
    """Timesteps tell the noise schedules of diffusion models apart."""
    for call in sampler.calls:
        asked = float(model_sampling.timestep(torch.tensor([call.sigma])))
        if abs(asked - call.timestep) > 1:
            wanted = f"for a noise schedule that has the level {call.sigma:g} at timestep "
            raise _mismatch(sampler, f"{wanted}{call.timestep:g}", f"it is at {asked:g} here")


def _prediction(model_sampling: Any) -> str:
    """By the class whose ``calculate_denoised`` runs."""
    for kind in type(model_sampling).__mro__:
        if "calculate_denoised" in vars(kind):
            return PREDICTIONS.get(kind.__name__, kind.__name__)
    return type(model_sampling).__name__


def _mismatch(sampler: PortableSampler, wanted: str, has: str) -> MismatchError:
    return MismatchError(
        f"The preset {sampler.name!r} is {wanted}, but {has}.",
        remedy=f"Load the model that it was made for, {sampler.model!r}, or one like it. Where the "
        "checkpoint is that and ComfyUI takes it for another kind, set the kind with "
        "ModelSamplingDiscrete (eps or v_prediction, zsnr) or ModelSamplingSD3.",
    )
