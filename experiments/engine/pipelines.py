"""Pipelines around a UNet, and the tensors that a run takes: no text encoder, no VAE."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline
from torch import Tensor

from experiments.engine.architectures import ARCHITECTURES, Architecture

GUIDANCE = 5.0


class _Callable:
    """Makes a call of a guided run alone: the engine asks the pipeline's method for guidance."""

    unet: Any
    _guidance_scale = GUIDANCE

    def denoise(self, **arguments: Any) -> Any:
        """One call of the denoiser."""
        return self.unet(**arguments)


class _StableDiffusion(_Callable, StableDiffusionPipeline):  # type: ignore[misc]
    pass


class _StableDiffusionXL(_Callable, StableDiffusionXLPipeline):  # type: ignore[misc]
    pass


@dataclass(frozen=True)
class SharedUNet:
    """One UNet at one size, from which every contender gets a pipeline of its own.

    Args:
        name: of the architecture.
        unet: its weights are shared by all copies.
        batch: images of a run; the UNet sees twice as many.
        latent: height and width of the latents.
    """

    name: str
    unet: Any
    batch: int
    latent: int

    @classmethod
    def of(cls, name: str, batch: int, latent: int, device: str, dtype: torch.dtype) -> SharedUNet:
        """A UNet with random weights."""
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            with torch.device(device):
                unet = ARCHITECTURES[name].unet()
        finally:
            torch.set_default_dtype(before)
        return cls(name, unet, batch, latent)

    @property
    def architecture(self) -> Architecture:
        return ARCHITECTURES[self.name]

    def pipe(self) -> Any:
        """A pipeline with its own modules and hooks around the shared weights."""
        unet = self.unet
        shared = {id(each): each for each in chain(unet.parameters(), unet.buffers())}
        parts = {
            "unet": copy.deepcopy(unet, shared),
            "scheduler": DDIMScheduler(
                beta_start=0.00085,
                beta_end=0.012,
                beta_schedule="scaled_linear",
                steps_offset=1,
                clip_sample=False,
            ),
            **dict.fromkeys(("vae", "text_encoder", "tokenizer")),
        }
        pipe: Any
        if self.architecture.pooled:
            parts |= dict.fromkeys(("text_encoder_2", "tokenizer_2"))
            pipe = _StableDiffusionXL(**parts, add_watermarker=False)
        else:
            parts |= dict.fromkeys(("safety_checker", "feature_extractor"))
            pipe = _StableDiffusion(**parts, requires_safety_checker=False)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def inputs(self) -> dict[str, Any]:
        """Keyword arguments of a pipeline call, prompts as tensors; latents come out."""
        width = self.unet.config.cross_attention_dim
        pooled = self.architecture.pooled
        tensors = {
            "latents": self.random(self.unet.config.in_channels, self.latent, self.latent),
            "prompt_embeds": self.random(self.architecture.words, width),
            "negative_prompt_embeds": self.random(self.architecture.words, width),
        }
        if pooled:
            tensors |= {f"{sign}pooled_prompt_embeds": self.random(pooled) for sign in _SIGNS}
        size = {"height": 8 * self.latent, "width": 8 * self.latent}
        return {**tensors, **size, "guidance_scale": GUIDANCE, "output_type": "latent"}

    def call(self) -> dict[str, Any]:
        """Keyword arguments of one guided UNet call, but for the timestep."""
        rows = SharedUNet(self.name, self.unet, 2 * self.batch, self.latent)
        inputs = rows.inputs()
        arguments = {
            "sample": inputs["latents"],
            "encoder_hidden_states": inputs["prompt_embeds"],
            "return_dict": False,
        }
        if self.architecture.pooled:
            times = torch.full((rows.batch, 6), 8.0 * self.latent).to(inputs["latents"])
            arguments["added_cond_kwargs"] = {
                "text_embeds": inputs["pooled_prompt_embeds"],
                "time_ids": times,
            }
        return arguments

    def random(self, *shape: int) -> Tensor:
        """(batch, *shape), standard normal, the same at every call."""
        generator = torch.Generator().manual_seed(len(shape))
        values = torch.randn(self.batch, *shape, generator=generator)
        return values.to(self.unet.device, self.unet.dtype)


_SIGNS = ("", "negative_")
