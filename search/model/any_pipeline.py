"""Text-to-image pipelines of families that nobody described: their own call does everything."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import torch

from dato.denoisers.registry import denoiser_of
from dato.runtime.obstacles import of_pipeline
from search.errors import UserError
from search.model.families import FAMILIES, StableDiffusion
from search.model.steps_of import after_each_step

NEEDED = ("prompt", "num_inference_steps", "guidance_scale", "generator", "output_type")
"""Arguments of a call without which a study cannot ask for an image."""

PIXELS = 1024
"""Height and width of images where neither denoiser nor pipeline says a size."""


class AnyPipeline(StableDiffusion):
    """Prompts and a generator for each image go into the pipeline's call, and images come out."""

    takes: ClassVar[type] = object
    text_encoders: ClassVar[tuple[str, ...]] = ()
    halves: ClassVar[bool] = False
    whole: ClassVar[bool] = True
    ays: ClassVar[str] = ""

    def check(self, pipe: Any) -> None:
        """Refuse a pipeline whose call makes no images of prompts.

        Raises:
            UserError: naming what is in the way.
        """
        known = inspect.signature(type(pipe).__call__).parameters
        lacking = [name for name in NEEDED if name not in known]
        reason = of_pipeline(pipe)
        if getattr(pipe, "image_processor", None) is None:
            reason = "it makes no images"
        if lacking:
            reason = f"its call has no {' and no '.join(lacking)}"
        if reason is not None:
            raise UserError(
                f"Cannot run the pipeline class {type(pipe).__name__}: {reason}. Give the folder "
                "or hub id of a text-to-image pipeline."
            )

    def encode(
        self, pipe: Any, prompts: Sequence[str], device: torch.device, guided: bool
    ) -> dict[str, Any]:
        """The prompts as they are, and the size that the denoiser was trained at."""
        known = inspect.signature(type(pipe).__call__).parameters
        arguments: dict[str, Any] = {"prompt": list(prompts)}
        if "use_resolution_binning" in known:
            arguments["use_resolution_binning"] = False
        if "height" in known and "width" in known:
            _, height, width = self.latent_shape(pipe)
            factor = pipe.vae_scale_factor
            arguments |= {"height": factor * height, "width": factor * width}
        return arguments

    def latent_shape(self, pipe: Any) -> tuple[int, int, int]:
        """Channels, height and width of one image's latents, before any packing."""
        config = denoiser_of(pipe).config
        size = config.get("sample_size") or getattr(pipe, "default_sample_size", None)
        size = size or PIXELS // pipe.vae_scale_factor
        height, width = (size, size) if isinstance(size, int) else size
        return config.in_channels, height, width

    @contextmanager
    def followed(self, pipe: Any, on_step: Callable[[], None]) -> Iterator[dict[str, Any]]:
        """See :class:`StableDiffusion`; not every pipeline has callbacks."""
        with after_each_step(pipe.scheduler, lambda _: on_step()):
            yield {}


def family_of(pipe: Any) -> StableDiffusion:
    """The family of a pipeline, or what runs one of any family.

    Raises:
        UserError: the pipeline makes no images of prompts.
    """
    for family in FAMILIES:
        if isinstance(pipe, family.takes):
            return family
    anything = AnyPipeline()
    anything.check(pipe)
    return anything
