"""How much of the clean sample and of the noise there is at a timestep, between trained ones too.

Diffusion models know whole timesteps only. Between two of them the angle whose cosine is the share
of the clean sample changes evenly; it is finite at both ends of every noise schedule. Under flow
matching the share of the noise is the timestep itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dato.errors import UnsupportedError
from dato.sampler.epsilon import CONVERTIBLE
from dato.sampler.traits import FLOW, predicted

_PURE = 2.0**-24
"""The product of alphas that stands for 0, as in diffusers' Euler: noise over clean sample is 4096
there, and not infinite."""


@dataclass(frozen=True)
class NoiseLevels:
    """The noise schedule that a model was trained with, as its scheduler tells it.

    Args:
        kind: what the model predicts: ``"epsilon"``, ``"v_prediction"``, ``"sample"`` or
            ``"flow_prediction"``.
        highest: the last timestep.
        angles: (timesteps,) float64, of the trained timesteps; None under flow matching.
        start: standard deviation of the noise that a pipeline with this scheduler begins with.
        end: shares of the clean sample and of the noise in what the last step makes.
    """

    kind: str
    highest: float
    angles: Tensor | None
    start: float
    end: tuple[float, float]

    def at(self, timesteps: Tensor) -> tuple[Tensor, Tensor]:
        """Shares of the clean sample and of the noise, (calls,) float64; differentiable.

        Args:
            timesteps: (calls,) float64, from 0 to ``highest``.
        """
        if self.angles is None:
            sigma = timesteps / self.highest
            return 1 - sigma, sigma
        lower = timesteps.detach().floor().long().clamp(0, len(self.angles) - 2)
        below, above = self.angles[lower], self.angles[lower + 1]
        angle = below + (timesteps - lower) * (above - below)
        return angle.cos(), angle.sin()

    def sigmas(self, timesteps: Tensor) -> Tensor:
        """The noise levels of timesteps as k-diffusion counts them, (calls,) float64.

        Noise over clean sample, whose logarithm changes evenly between trained timesteps; under
        flow matching the share of the noise. Pure noise counts as 4096.

        Args:
            timesteps: (calls,) float64, from 0 to ``highest``.
        """
        if self.angles is None:
            return timesteps / self.highest
        alphas = self.angles.cos().square().clamp_min(_PURE)
        logarithms = ((1 - alphas) / alphas).log() / 2
        lower = timesteps.floor().long().clamp(0, len(logarithms) - 2)
        below, above = logarithms[lower], logarithms[lower + 1]
        return (below + (timesteps - lower) * (above - below)).exp()


def noise_levels(scheduler: Any) -> NoiseLevels:
    """The noise schedule of a pipeline's scheduler.

    Raises:
        UnsupportedError: the scheduler tells none, clips, or the model predicts something else.
    """
    config, kind = scheduler.config, predicted(scheduler)
    for name in ("clip_sample", "thresholding"):
        if config.get(name):
            raise _unsupported(scheduler, f"has {name}=True")
    if kind not in CONVERTIBLE:
        raise _unsupported(scheduler, f"has prediction_type={kind!r}")
    start = float(getattr(scheduler, "init_noise_sigma", 1.0))
    if kind == FLOW:
        return NoiseLevels(kind, float(config["num_train_timesteps"]), None, start, (1.0, 0.0))
    alphas = getattr(scheduler, "alphas_cumprod", None)
    if alphas is None:
        raise _unsupported(scheduler, "has no alphas_cumprod")
    alphas = alphas.detach().double().cpu()
    angles = torch.atan2((1 - alphas).sqrt(), alphas.sqrt())
    last = float(getattr(scheduler, "final_alpha_cumprod", 1.0))
    if config.get("final_sigmas_type") == "sigma_min":
        last = float(alphas[0])
    end = last**0.5, (1 - last) ** 0.5
    return NoiseLevels(kind, float(len(alphas) - 1), angles, start, end)


def _unsupported(scheduler: Any, reason: str) -> UnsupportedError:
    return UnsupportedError(
        f"The {type(scheduler).__name__} {reason}, but a tuned sampler takes the noise schedule "
        "and the prediction from it: epsilon, v or the sample with alphas_cumprod, or a velocity, "
        "and nothing clipped.",
        remedy="Set pipe.scheduler to the sampler that the preset names.",
    )
