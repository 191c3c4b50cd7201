"""What ComfyUI's ``KSAMPLER`` calls."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from dato.portable import PortableSampler
from dato.sampler.k_diffusion import KDiffusion

from .model_check import check_model
from .words import other_settings


class Run:
    """A sampler by k-diffusion's convention. Keeps nothing of a run, so that any number of nodes,
    batches and interrupted runs may share it.

    Args:
        sampler: of the sampler file.
    """

    def __init__(self, sampler: PortableSampler) -> None:
        self._sampler = sampler
        self._form = KDiffusion(sampler)

    @property
    def sigmas(self) -> Tensor:
        """(calls + 1,) float32, the last 0."""
        return self._form.sigmas

    def __call__(
        self,
        model: Any,
        x: Tensor,
        sigmas: Tensor,
        extra_args: Mapping[str, Any] | None = None,
        callback: Callable[[dict[str, Any]], object] | None = None,
        disable: bool | None = None,
    ) -> Tensor:
        """The latents after the last of ``sigmas``, (batch, ...) as ``x``.

        Args:
            model: ComfyUI's ``KSamplerX0Inpaint``: returns clean latents, and knows the guider, the
                noise and the picture that a run begins with.

        Raises:
            MismatchError: the model is of another kind, or ``sigmas`` are no part of the sampler's.
        """
        guider = model.inner_model
        check_model(self._sampler, guider.inner_model.model_sampling)
        for sentence in other_settings(self._sampler, getattr(guider, "cfg", None), x.shape):
            logging.warning("dato: %s", sentence)
        x = self._begun(model, x, sigmas)
        return self._form.sample(model, x, sigmas, extra_args, callback, disable)

    def _begun(self, model: Any, x: Tensor, sigmas: Tensor) -> Tensor:
        """Pure noise of the deviation that diffusers' pipeline begins with, which differs a little
        from the first noise level; a run that begins with a picture stays as it is."""
        whole = len(sigmas) > 0 and torch.isclose(sigmas[0].cpu(), self.sigmas[0], rtol=1e-3)
        if not whole or bool(model.latent_image.any()):
            return x
        noise: Tensor = model.noise * self._sampler.start
        return noise
