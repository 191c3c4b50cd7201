"""How much the predicted noise changes from call to call (paper section 3.2)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dato.errors import UnsupportedError


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


class Epsilon:
    """Converts the outputs of one run to noise; looks the coefficients up once.

    Args:
        scheduler: the pipeline's scheduler, after ``set_timesteps``.
        timesteps: (calls,), the timesteps of the run.
        device: where the denoiser runs.

    Raises:
        UnsupportedError: the scheduler predicts something that this cannot convert.
    """

    def __init__(self, scheduler: Any, timesteps: Tensor, device: torch.device) -> None:
        self.kind: str = scheduler.config.get("prediction_type", "epsilon")
        self._alphas = torch.ones(len(timesteps), device=device)
        if self.kind == "epsilon":
            return
        alphas = getattr(scheduler, "alphas_cumprod", None)
        if self.kind not in ("v_prediction", "sample") or alphas is None:
            raise UnsupportedError(
                "Dynamics-aware pruning needs a scheduler that predicts epsilon, or v or the sample"
                " with alphas_cumprod.",
                found=f"{type(scheduler).__name__} with prediction_type {self.kind!r}",
                remedy="Set dynamics_weight and protect to 0, or use a DDIM-like scheduler.",
            )
        index = timesteps.round().long().clamp(0, len(alphas) - 1)
        self._alphas = alphas.to(index.device)[index].float().to(device, non_blocking=True)

    def __call__(self, prediction: Tensor, sample: Tensor, call: int) -> Tensor:
        """Noise implied by the prediction of call number ``call`` of the run."""
        return to_epsilon(prediction, sample, self._alphas[call], self.kind)


class Dynamics:
    """D_t = mean over channels of abs(eps_t - eps_(t-1)) between the last two computed outputs."""

    def __init__(self) -> None:
        self._previous: Tensor | None = None
        self.map: Tensor | None = None
        """(images, height, width), or None before the second output."""

    def update(self, epsilon: Tensor) -> None:
        """Take in the noise of a computed call, (images, channels, height, width)."""
        if self._previous is not None:
            self.map = (epsilon - self._previous).abs().mean(1)
        self._previous = epsilon

    def clear(self) -> None:
        """Forget everything."""
        self._previous = self.map = None

    @property
    def known(self) -> bool:
        """Whether two outputs have been computed."""
        return self.map is not None

    def pooled(self, grid: tuple[int, int]) -> Tensor | None:
        """The dynamics of every token of a level, (images, tokens); None when unknown."""
        if self.map is None:
            return None
        return torch.nn.functional.adaptive_avg_pool2d(self.map, grid).flatten(1)
