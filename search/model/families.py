"""How families of pipelines differ: in encoding prompts, decoding images and following a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from diffusers import (
    FluxPipeline,
    PixArtAlphaPipeline,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
)
from torch import Tensor

from dato.denoisers.registry import denoiser_of
from search.model.cut_prompts import without_diffusers_saying_so
from search.model.steps_of import after_each_step


class StableDiffusion:
    """Stable Diffusion 1.x and 2.x: one CLIP encoder."""

    takes: ClassVar[type] = StableDiffusionPipeline
    text_encoders: ClassVar[tuple[str, ...]] = ("text_encoder",)
    embeddings: ClassVar[tuple[str, ...]] = ("prompt_embeds", "negative_prompt_embeds")
    arguments: ClassVar[Mapping[str, Any]] = {}
    prompts: ClassVar[tuple[str, ...]] = ("prompt",)
    """Arguments of ``encode_prompt`` that hold the prompts; with None for all but the first, every
    encoder gets the same."""
    halves: ClassVar[bool] = True
    """Whether a guided image takes two rows of the denoiser's batch."""
    ays: ClassVar[str] = "StableDiffusion"
    """What its entries of diffusers' ``AysSchedules`` begin with; nothing where it has none."""
    whole: ClassVar[bool] = False
    """Whether noise and decoding are left to the pipeline's call."""

    def encode(
        self, pipe: Any, prompts: Sequence[str], device: torch.device, guided: bool
    ) -> dict[str, Any]:
        """Arguments that the pipeline's call takes instead of ``prompts``.

        Embeddings are (images, tokens, channels), as the pipeline itself would compute them.
        """
        first, *others = self.prompts
        with without_diffusers_saying_so():
            encoded = pipe.encode_prompt(
                **{first: list(prompts), **dict.fromkeys(others)},
                device=device,
                num_images_per_prompt=1,
                **({"do_classifier_free_guidance": guided} if self.halves else {}),
            )
        pairs = zip(self.embeddings, self.embedded(encoded), strict=True)
        given = {name: value for name, value in pairs if value is not None}
        return {**given, **self.arguments}

    def embedded(self, encoded: tuple[Any, ...]) -> tuple[Any, ...]:
        """Those of ``encode_prompt``'s results that ``embeddings`` names."""
        return encoded

    def latent_shape(self, pipe: Any) -> tuple[int, int, int]:
        """Channels, height and width of one image's latents."""
        config = denoiser_of(pipe).config
        size = config.sample_size
        height, width = (size, size) if isinstance(size, int) else size
        return config.in_channels, height, width

    def noise(self, pipe: Any, latents: Tensor) -> Tensor:
        """(images, channels, height, width) latents, as the pipeline's call takes and returns
        them."""
        return latents

    def decode(self, pipe: Any, latents: Tensor) -> Tensor:
        """Images in [-1, 1], (images, 3, height, width), of (images, channels, h, w) latents."""
        vae = pipe.vae
        image: Tensor = vae.decode(latents / vae.config.scaling_factor, return_dict=False)[0]
        return image

    @contextmanager
    def followed(self, pipe: Any, on_step: Callable[[], None]) -> Iterator[dict[str, Any]]:
        """Arguments with which the pipeline calls ``on_step`` after every sampler step."""

        def callback(*_: Any) -> dict[str, Tensor]:
            on_step()
            return {}

        yield {"callback_on_step_end": callback}


class StableDiffusionXL(StableDiffusion):
    """Stable Diffusion XL: two CLIP encoders, the second one pooled too."""

    takes: ClassVar[type] = StableDiffusionXLPipeline
    text_encoders: ClassVar[tuple[str, ...]] = ("text_encoder", "text_encoder_2")
    embeddings: ClassVar[tuple[str, ...]] = (
        *StableDiffusion.embeddings,
        "pooled_prompt_embeds",
        "negative_pooled_prompt_embeds",
    )
    ays: ClassVar[str] = "StableDiffusionXL"

    def decode(self, pipe: Any, latents: Tensor) -> Tensor:
        """See :class:`StableDiffusion`. The published VAE overflows in float16 and says so in its
        configuration (``force_upcast``); it is then kept in float32. Some models that were tuned
        from XL also standardise their latents."""
        vae = pipe.vae
        if vae.dtype == torch.float16 and vae.config.force_upcast:
            vae.to(torch.float32)
        latents = latents.to(vae.dtype)
        mean, std = vae.config.latents_mean, vae.config.latents_std
        if mean is None or std is None:
            return super().decode(pipe, latents)
        shape = (1, -1, 1, 1)
        centre, spread = latents.new_tensor(mean).view(shape), latents.new_tensor(std).view(shape)
        return super().decode(pipe, latents * spread + centre * vae.config.scaling_factor)


class PixArt(StableDiffusion):
    """PixArt-alpha: a transformer and a T5 encoder, whose masks belong to the embeddings."""

    takes: ClassVar[type] = PixArtAlphaPipeline
    embeddings: ClassVar[tuple[str, ...]] = (
        "prompt_embeds",
        "prompt_attention_mask",
        "negative_prompt_embeds",
        "negative_prompt_attention_mask",
    )
    arguments: ClassVar[Mapping[str, Any]] = {
        "negative_prompt": None,
        "use_resolution_binning": False,
    }
    ays: ClassVar[str] = ""

    @contextmanager
    def followed(self, pipe: Any, on_step: Callable[[], None]) -> Iterator[dict[str, Any]]:
        """Wrap the sampler's step inside the block, because this pipeline's own callback skips
        calls."""
        with after_each_step(pipe.scheduler, lambda _: on_step()):
            yield {}


class StableDiffusion3(StableDiffusion):
    """Stable Diffusion 3 and 3.5: two CLIP encoders, both pooled, and a T5 encoder, which a
    pipeline may lack."""

    takes: ClassVar[type] = StableDiffusion3Pipeline
    text_encoders: ClassVar[tuple[str, ...]] = ("text_encoder", "text_encoder_2", "text_encoder_3")
    embeddings: ClassVar[tuple[str, ...]] = StableDiffusionXL.embeddings
    prompts: ClassVar[tuple[str, ...]] = ("prompt", "prompt_2", "prompt_3")
    ays: ClassVar[str] = ""

    def decode(self, pipe: Any, latents: Tensor) -> Tensor:
        """See :class:`StableDiffusion`; the latents of these autoencoders have a mean."""
        vae = pipe.vae
        whole = latents / vae.config.scaling_factor + vae.config.shift_factor
        image: Tensor = vae.decode(whole, return_dict=False)[0]
        return image


class Flux(StableDiffusion3):
    """FLUX.1: a CLIP encoder for the pooled text and a T5 encoder. Guidance is an input of the
    denoiser, and latents are packed: a token is a square of 2 x 2."""

    takes: ClassVar[type] = FluxPipeline
    text_encoders: ClassVar[tuple[str, ...]] = ("text_encoder", "text_encoder_2")
    embeddings: ClassVar[tuple[str, ...]] = ("prompt_embeds", "pooled_prompt_embeds")
    prompts: ClassVar[tuple[str, ...]] = ("prompt", "prompt_2")
    halves: ClassVar[bool] = False

    def encode(
        self, pipe: Any, prompts: Sequence[str], device: torch.device, guided: bool
    ) -> dict[str, Any]:
        """See :class:`StableDiffusion`. The pipeline does not know its model's size."""
        _, height, width = self.latent_shape(pipe)
        factor = pipe.vae_scale_factor
        arguments = super().encode(pipe, prompts, device, guided)
        return arguments | {"height": factor * height, "width": factor * width}

    def embedded(self, encoded: tuple[Any, ...]) -> tuple[Any, ...]:
        """The positions of the text, which the pipeline makes anew, are left out."""
        return encoded[:2]

    def latent_shape(self, pipe: Any) -> tuple[int, int, int]:
        """See :class:`StableDiffusion`; only the autoencoder's configuration has a size."""
        side = 2 * (pipe.vae.config.sample_size // (2 * pipe.vae_scale_factor))
        return pipe.transformer.config.in_channels // 4, side, side

    def noise(self, pipe: Any, latents: Tensor) -> Tensor:
        packed: Tensor = pipe._pack_latents(latents, *latents.shape)
        return packed

    def decode(self, pipe: Any, latents: Tensor) -> Tensor:
        _, height, width = self.latent_shape(pipe)
        factor = pipe.vae_scale_factor
        whole = pipe._unpack_latents(latents, factor * height, factor * width, factor)
        return super().decode(pipe, whole)


FAMILIES = (StableDiffusion(), StableDiffusionXL(), PixArt(), StableDiffusion3(), Flux())
