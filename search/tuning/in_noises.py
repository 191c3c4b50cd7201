"""The steps of any linear sampler as sums of the noises that its outputs implied.

A trace has latents and outputs of earlier calls in its sums, a tuned sampler only noises. The
latents of each call are ``alpha D + sigma e``, of the clean sample D and the noise e that its
output implies, and so is the output a sum of the two. Latents are also what the step before made.
That gives the clean sample of each earlier call as a sum of the newest one and of noises, and with
it every step.

Under flow matching the velocity is in the noise's place: latents are ``D + sigma v``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dato.sampler.noise_levels import NoiseLevels
from dato.sampler.trace import Update
from dato.sampler.traits import FLOW


def noise_sums(levels: NoiseLevels, timesteps: Tensor, updates: tuple[Update, ...]) -> Tensor:
    """(calls, calls) float64: the weights of the noises in each step's, by their calls; every row
    is for one step, and its weights sum to 1 where the sampler goes as far as the noise schedule.

    Args:
        levels: of the scheduler.
        timesteps: (calls,) float64 of the computed calls.
        updates: of its trace.
    """
    count = len(updates)
    alpha, sigma = _shares(levels, timesteps)
    of_clean, of_noise = _in_outputs(levels.kind, alpha, sigma)
    scales = [update.scale for update in updates] + [1.0]
    rows = torch.zeros(count, count, dtype=torch.float64)
    # Of each call up to the newest: its clean sample as a sum of the newest one and of noises.
    newest, noises = torch.zeros(count).double(), torch.zeros(count, count).double()
    for call, update in enumerate(updates):
        newest[call] = 1
        clean, step = torch.zeros(count).double(), torch.zeros(count).double()
        for each, weight in update.latents.items():
            clean[each] += weight * alpha[each] / scales[each]
            step[each] += weight * sigma[each] / scales[each]
        for each, weight in update.outputs.items():
            clean[each] += weight * of_clean[each]
            step[each] += weight * of_noise[each]
        step = scales[call + 1] * (step + clean @ noises)
        share = scales[call + 1] * float(clean @ newest)
        change = alpha[call + 1] * sigma[call] / alpha[call].clamp_min(1e-12)
        rows[call] = step
        rows[call, call] -= change
        rows[call] /= sigma[call + 1] - change
        if call + 1 < count:
            following = -step / share
            following[call + 1] += sigma[call + 1] / share
            noises += newest[:, None] * following
            newest *= alpha[call + 1] / share
    return rows


def _shares(levels: NoiseLevels, timesteps: Tensor) -> tuple[Tensor, Tensor]:
    """(calls + 1,) shares of the clean sample and of the noise, those of the result last."""
    alpha, sigma = levels.at(timesteps)
    end = torch.tensor(levels.end, dtype=torch.float64)
    alpha, sigma = torch.cat([alpha, end[:1]]), torch.cat([sigma, end[1:]])
    return (torch.ones_like(alpha) if levels.kind == FLOW else alpha), sigma


def _in_outputs(kind: str, alpha: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """The shares of the clean sample and of the noise in each call's output."""
    zero, one = torch.zeros_like(alpha), torch.ones_like(alpha)
    return {"v_prediction": (-sigma, alpha), "sample": (one, zero)}.get(kind, (zero, one))
