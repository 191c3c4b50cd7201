"""From what a denoiser predicts to the noise or the clean sample that it implies, and back.

With ``alpha`` the cumulative product of alphas at a call, a noisy sample is
``sqrt(alpha) * clean + sqrt(1 - alpha) * noise``, and a v-prediction is
``sqrt(alpha) * noise - sqrt(1 - alpha) * clean`` (Salimans and Ho 2022, arXiv 2202.00512).

Under flow matching a noisy sample is ``alpha * clean + (1 - alpha) * noise``, and the prediction is
``noise - clean``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dato.errors import UnsupportedError
from dato.sampler.traits import FLOW, predicted

CONVERTIBLE = ("epsilon", "v_prediction", "sample", FLOW)
_LEAST = 1e-6
"""Keeps divisions finite at the ends of the noise schedule."""


def to_epsilon(prediction: Tensor, sample: Tensor, alpha: Tensor, kind: str) -> Tensor:
    """The noise that a prediction implies, float32.

    Args:
        prediction: (batch, channels, height, width), the denoiser's output. Where it has more
            channels than the sample (a learnt variance, as PixArt's), only the noise is taken.
        sample: (batch, channels, height, width), the denoiser's input; an inpainting input has
            more channels than the output, the noisy ones first.
        alpha: () or broadcastable, the cumulative product of alphas at this call; under flow
            matching the share of the clean sample.
        kind: ``"epsilon"``, ``"v_prediction"``, ``"sample"`` or ``"flow_prediction"``, as in a
            scheduler's config.
    """
    output = prediction[:, : sample.shape[1]].float()
    if kind == "epsilon":
        return output
    noisy = sample[:, : output.shape[1]].float()
    if kind == FLOW:
        return noisy + alpha * output
    if kind == "v_prediction":
        return alpha.sqrt() * output + (1 - alpha).sqrt() * noisy
    return (noisy - alpha.sqrt() * output) / (1 - alpha).clamp_min(_LEAST).sqrt()


def from_epsilon(epsilon: Tensor, sample: Tensor, alpha: Tensor, kind: str) -> Tensor:
    """The prediction that implies a noise: the inverse of :func:`to_epsilon`, float32."""
    if kind == "epsilon":
        return epsilon
    noisy = sample[:, : epsilon.shape[1]].float()
    if kind == FLOW:
        return (epsilon - noisy) / alpha.clamp_min(_LEAST)
    root = alpha.clamp_min(_LEAST).sqrt()
    if kind == "v_prediction":
        return (epsilon - (1 - alpha).sqrt() * noisy) / root
    return (noisy - (1 - alpha).sqrt() * epsilon) / root


def to_clean(prediction: Tensor, sample: Tensor, alpha: Tensor, kind: str) -> Tensor:
    """The clean sample that a prediction implies, float32; arguments as of :func:`to_epsilon`."""
    output = prediction[:, : sample.shape[1]].float()
    if kind == "sample":
        return output
    noisy = sample[:, : output.shape[1]].float()
    if kind == FLOW:
        return noisy - (1 - alpha) * output
    if kind == "v_prediction":
        return alpha.sqrt() * noisy - (1 - alpha).sqrt() * output
    return (noisy - (1 - alpha).sqrt() * output) / alpha.clamp_min(_LEAST).sqrt()


def from_clean(clean: Tensor, sample: Tensor, alpha: Tensor, kind: str) -> Tensor:
    """The prediction that implies a clean sample: the inverse of :func:`to_clean`, float32."""
    if kind == "sample":
        return clean
    noisy = sample[:, : clean.shape[1]].float()
    if kind == FLOW:
        return (noisy - clean) / (1 - alpha).clamp_min(_LEAST)
    root = (1 - alpha).clamp_min(_LEAST).sqrt()
    if kind == "v_prediction":
        return (alpha.sqrt() * noisy - clean) / root
    return (noisy - alpha.sqrt() * clean) / root


def alphas_at(scheduler: Any, timesteps: Tensor, device: torch.device) -> Tensor | None:
    """The cumulative product of alphas at each timestep, (calls,); None where there is none."""
    alphas = getattr(scheduler, "alphas_cumprod", None)
    if alphas is None:
        return None
    index = timesteps.round().long().clamp(0, len(alphas) - 1)
    chosen: Tensor = alphas.to(index.device)[index].float().to(device, non_blocking=True)
    return chosen


def shares_at(scheduler: Any, timesteps: Tensor, device: torch.device) -> Tensor | None:
    """What the conversions take as ``alpha`` at each timestep, (calls,); None where unknown."""
    if predicted(scheduler) != FLOW:
        return alphas_at(scheduler, timesteps, device)
    sigmas = getattr(scheduler, "sigmas", None)
    if sigmas is None or len(sigmas) < len(timesteps):
        return None
    shares: Tensor = (1 - sigmas[: len(timesteps)].float()).to(device, non_blocking=True)
    return shares


class Epsilon:
    """Converts the outputs of one run to noise, for the dynamics; looks coefficients up once.

    Args:
        scheduler: the pipeline's scheduler, after ``set_timesteps``.
        timesteps: (calls,), the timesteps of the run.
        device: where the denoiser runs.

    Raises:
        UnsupportedError: the scheduler predicts something that this cannot convert.
    """

    def __init__(self, scheduler: Any, timesteps: Tensor, device: torch.device) -> None:
        self.kind = predicted(scheduler)
        self._alphas = torch.ones(len(timesteps), dtype=torch.float32, device=device)
        if self.kind == "epsilon":
            return
        alphas = shares_at(scheduler, timesteps, device)
        if self.kind not in CONVERTIBLE or alphas is None:
            raise UnsupportedError(
                f"The noise cannot be told from a {type(scheduler).__name__} with prediction_type "
                f"{self.kind!r}, and dynamics-aware pruning follows it: it takes epsilon, v or the "
                "sample with alphas_cumprod, or a velocity with sigmas.",
                remedy="Set dynamics_weight and protect to 0, or use a DDIM-like scheduler.",
            )
        self._alphas = alphas

    def __call__(self, prediction: Tensor, sample: Tensor, call: int) -> Tensor:
        """Noise implied by the prediction at place ``call`` of the timesteps."""
        return to_epsilon(prediction, sample, self._alphas[call], self.kind)
