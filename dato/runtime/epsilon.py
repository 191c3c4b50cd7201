"""From what a denoiser predicts to the noise that it implies, and back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dato.errors import UnsupportedError

_CONVERTIBLE = ("v_prediction", "sample")


def to_epsilon(prediction: Tensor, sample: Tensor, alpha: Tensor, kind: str) -> Tensor:
    """The noise that a prediction implies, float32.

    Args:
        prediction: (batch, channels, height, width), the denoiser's output. Where it has more
            channels than the sample (a learnt variance, as PixArt's), only the noise is taken.
        sample: (batch, channels, height, width), the denoiser's input; an inpainting input has
            more channels than the output, the noisy ones first.
        alpha: () or broadcastable, the cumulative product of alphas at this call.
        kind: ``"epsilon"``, ``"v_prediction"`` or ``"sample"``, as in a scheduler's config.
    """
    output = prediction[:, : sample.shape[1]].float()
    if kind == "epsilon":
        return output
    noisy = sample[:, : output.shape[1]].float()
    if kind == "v_prediction":
        return alpha.sqrt() * output + (1 - alpha).sqrt() * noisy
    return (noisy - alpha.sqrt() * output) / (1 - alpha).clamp_min(1e-6).sqrt()


def from_epsilon(epsilon: Tensor, sample: Tensor, alpha: Tensor, kind: str) -> Tensor:
    """The prediction that implies a noise: the inverse of :func:`to_epsilon`, float32.

    Args:
        epsilon: (batch, channels, height, width).
        sample, alpha, kind: see :func:`to_epsilon`. ``alpha`` is above 0: a sample of pure noise
            comes first in a run, and a first call is computed.
    """
    if kind == "epsilon":
        return epsilon
    noisy = sample[:, : epsilon.shape[1]].float()
    root = alpha.clamp_min(1e-12).sqrt()
    if kind == "v_prediction":
        return (epsilon - (1 - alpha).sqrt() * noisy) / root
    return (noisy - (1 - alpha).sqrt() * epsilon) / root


class Epsilon:
    """Converts the outputs of one run to noise and back; looks the coefficients up once.

    Args:
        scheduler: the pipeline's scheduler, after ``set_timesteps``.
        timesteps: (calls,), the timesteps of the run.
        device: where the denoiser runs.
        velocity: whether a flow-matching model's velocity, which needs no conversion, is allowed.

    Raises:
        UnsupportedError: the scheduler predicts something that this cannot convert.
    """

    def __init__(
        self, scheduler: Any, timesteps: Tensor, device: torch.device, velocity: bool = False
    ) -> None:
        self.kind: str = scheduler.config.get("prediction_type", "epsilon")
        self._alphas = torch.ones(len(timesteps), device=device)
        if velocity and _is_flow(scheduler):
            self.kind = "epsilon"
        if self.kind == "epsilon":
            return
        alphas = getattr(scheduler, "alphas_cumprod", None)
        if self.kind not in _CONVERTIBLE or alphas is None:
            raise UnsupportedError(
                "The noise of this prediction is not known: it takes a scheduler that predicts "
                "epsilon, or v or the sample with alphas_cumprod.",
                found=f"{type(scheduler).__name__} with prediction_type {self.kind!r}",
                remedy="Use a DDIM-like scheduler; or set dynamics_weight and protect to 0, and "
                'quantity to "output".',
            )
        index = timesteps.round().long().clamp(0, len(alphas) - 1)
        self._alphas = alphas.to(index.device)[index].float().to(device, non_blocking=True)

    @property
    def converts(self) -> bool:
        """Whether noise differs from what the denoiser returns."""
        return self.kind != "epsilon"

    def __call__(self, prediction: Tensor, sample: Tensor, call: int) -> Tensor:
        """Noise implied by the prediction at place ``call`` of the timesteps."""
        return to_epsilon(prediction, sample, self._alphas[call], self.kind)

    def back(self, epsilon: Tensor, sample: Tensor, call: int) -> Tensor:
        """The prediction at place ``call`` of the timesteps that implies a noise."""
        return from_epsilon(epsilon, sample, self._alphas[call], self.kind)


def _is_flow(scheduler: Any) -> bool:
    """Whether the sampler integrates a velocity: diffusers' flow-matching family."""
    flow = bool(scheduler.config.get("use_flow_sigmas", False))
    return flow or "FlowMatch" in type(scheduler).__name__
