"""The weighted sums of a tuned sampler, from the noise schedule that the model was trained with.

With x0 and the noise e that an output implies, and E the weighted sum of the last noises, the next
latents are ``alpha' X0 + sigma' E``, where ``X0 = x0 - (sigma / alpha) (E - e)`` is the clean
sample that E implies at this call: DDIM's step (Song et al. 2020, arXiv 2010.02502, equation 12),
for another noise. Under flow matching they are ``x + (sigma' - sigma) V``, with the velocities in
the noises' place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dato.errors import MismatchError
from dato.sampler.fused_run import FusedRun
from dato.sampler.noise_levels import NoiseLevels, noise_levels
from dato.sampler.stand_in import ADDED
from dato.sampler.step_types import StepTypes
from dato.sampler.trace import Trace, Update
from dato.sampler.traits import FLOW
from dato.sampler.twin import twin_of
from dato.tuned import MAX_OUTPUTS, TunedSampler

_LEAST = 1e-6
"""Keeps divisions finite at the ends of the noise schedule."""


@dataclass(frozen=True)
class Coefficients:
    """What the latents after each call are made of, float64 on the CPU.

    Args:
        latents: (calls, 3), weights of the latents at this call and at the two before it.
        outputs: (calls, 3), the same of the outputs.
        scales: (calls,), what the latents are multiplied by to become the model's input.
    """

    latents: Tensor
    outputs: Tensor
    scales: Tensor


def coefficients(levels: NoiseLevels, timesteps: Tensor, weights: Tensor) -> Coefficients:
    """Differentiable in timesteps and weights.

    Args:
        levels: of the scheduler.
        timesteps: (calls,) float64, falling.
        weights: (calls, 3) float64, the newest first; 0 for what is not read.
    """
    alpha, sigma = levels.at(timesteps)
    end = timesteps.new_tensor(levels.end)
    next_alpha, next_sigma = torch.cat([alpha[1:], end[:1]]), torch.cat([sigma[1:], end[1:]])
    newest = torch.eye(1, MAX_OUTPUTS, dtype=timesteps.dtype, device=timesteps.device)
    noise_latents, noise_outputs = _noise(levels.kind, alpha, sigma)
    if levels.kind == FLOW:
        of_noises = (next_sigma - sigma)[:, None] * weights
        here, output = torch.ones_like(alpha), torch.zeros_like(alpha)
    else:
        clean_latents, clean_outputs = _clean(levels.kind, alpha, sigma)
        change = next_alpha * sigma / alpha.clamp_min(_LEAST)
        of_noises = next_sigma[:, None] * weights - change[:, None] * (weights - newest)
        here, output = next_alpha * clean_latents, next_alpha * clean_outputs
    whole: dict[str, Any] = {"dtype": torch.int64, "device": timesteps.device}
    calls, back = torch.arange(len(alpha), **whole), torch.arange(MAX_OUTPUTS, **whole)
    source = (calls[:, None] - back).clamp_min(0)
    scales = torch.ones_like(alpha)
    scales[0] = 1 / levels.start
    latents = of_noises * noise_latents[source] + here[:, None] * newest
    return Coefficients(
        latents=latents * scales[source],
        outputs=of_noises * noise_outputs[source] + output[:, None] * newest,
        scales=scales,
    )


def _noise(kind: str, alpha: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """The weights of the latents and of the output in the noise that an output implies."""
    if kind == "v_prediction":
        return sigma, alpha
    if kind == "sample":
        least = sigma.clamp_min(_LEAST)
        return 1 / least, -alpha / least
    return torch.zeros_like(alpha), torch.ones_like(alpha)


def _clean(kind: str, alpha: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """The same for the clean sample."""
    if kind == "v_prediction":
        return alpha, -sigma
    if kind == "sample":
        return torch.zeros_like(alpha), torch.ones_like(alpha)
    least = alpha.clamp_min(_LEAST)
    return 1 / least, -sigma / least


def padded(sampler: TunedSampler) -> tuple[Tensor, Tensor]:
    """Timesteps (calls,) and weights (calls, 3), float64, as :func:`coefficients` takes them."""
    rows = [[*row, *[0.0] * (MAX_OUTPUTS - len(row))] for row in sampler.weights]
    weights = torch.tensor(rows, dtype=torch.float64, device="cpu")
    return torch.tensor(sampler.timesteps, dtype=torch.float64, device="cpu"), weights


def tuned_updates(scheduler: Any, sampler: TunedSampler) -> tuple[Update, ...]:
    """What takes the latents from each call of a tuned sampler to the next.

    Args:
        scheduler: a pipeline's; only its noise schedule counts.

    Raises:
        UnsupportedError: the scheduler does not say what a tuned sampler needs.
        MismatchError: a timestep is above those that the model was trained on.
    """
    levels = noise_levels(scheduler)
    if sampler.timesteps[0] > levels.highest:
        raise MismatchError(
            f"The tuned sampler begins at timestep {sampler.timesteps[0]:g}, but this model's "
            f"end at {levels.highest:g}.",
            remedy="Use a preset of this model.",
        )
    sums = coefficients(levels, *padded(sampler))
    rows = zip(sums.latents.tolist(), sums.outputs.tolist(), sums.scales.tolist(), strict=True)
    return tuple(
        Update(_by_call(latents, call), _by_call(outputs, call), scale)
        for call, (latents, outputs, scale) in enumerate(rows)
    )


def tuned_run(scheduler: Any, sampler: TunedSampler) -> FusedRun:
    """A run of a tuned sampler; raises as :func:`tuned_updates` does.

    Args:
        scheduler: a pipeline's, after ``set_timesteps``; stays as it is.
    """
    every = scheduler.timesteps
    updates = tuned_updates(scheduler, sampler)
    types = StepTypes(twin_of(scheduler, ADDED, exact=False))
    trace = Trace(tuple(range(sampler.calls)), updates, types.form)
    timesteps = torch.tensor(sampler.timesteps, dtype=torch.float32, device=every.device)
    return FusedRun(trace, every, types, timesteps, only=True)


def _by_call(row: list[float], call: int) -> dict[int, float]:
    """Weights by the call that they belong to; this call's is always there."""
    return {call - age: weight for age, weight in enumerate(row) if weight or not age}
