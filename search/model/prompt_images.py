"""Pictures of a person's own prompts: one loaded pipeline, with a preset or without."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor

import dato
from dato import Preset
from dato.fit import Resample
from search.errors import UserError
from search.model.families import family_of
from search.model.generator import NO_MEMORY
from search.model.loading import ModelConfig, load_pipeline, set_scheduler


@dataclass(frozen=True)
class Wish:
    """One picture: its prompt, and the seed of its noise."""

    prompt: str
    seed: int


@dataclass(frozen=True)
class Painted:
    """What came of some wishes.

    Args:
        images: one for each wish, in their order.
        seconds: wall-clock seconds from the prompts to the pictures.
    """

    images: tuple[Image.Image, ...]
    seconds: float


class Painter:
    """Loads a pipeline once and runs presets on it.

    A wish gives the picture that the pipeline itself gives for this prompt and
    ``generator=torch.Generator().manual_seed(seed)``.

    Raises:
        UserError: the model cannot be loaded, or is none that turns text into images.
    """

    def __init__(self, model: ModelConfig) -> None:
        self.model = model
        self.pipe = load_pipeline(model)
        self.family = family_of(self.pipe)

    def calls(self, wishes: int, preset: Preset, steps: int | None = None) -> int:
        """Denoiser calls that :meth:`paint` makes, which is how often it calls ``on_call``."""
        set_scheduler(self.pipe, preset.sampler.scheduler)
        self.pipe.scheduler.set_timesteps(steps or preset.sampler.num_inference_steps)
        return len(self.pipe.scheduler.timesteps) * -(-wishes // self.model.batch_size)

    def paint(
        self,
        wishes: Sequence[Wish],
        preset: Preset,
        *,
        patched: bool = True,
        steps: int | None = None,
        on_call: Callable[[], None] = lambda: None,
    ) -> Painted:
        """Run a preset, with its own sampler, steps and guidance.

        Args:
            patched: whether its schedule runs; if not, only its sampler does.
            steps: another number of steps, to which the schedule is stretched.
            on_call: called after every call of the denoiser.

        Raises:
            DatoError: the preset does not fit this pipeline.
            UserError: out of memory.
        """
        set_scheduler(self.pipe, preset.sampler.scheduler)
        resample: Resample | None = None if steps is None else "nearest"
        running = dato.applied(self.pipe, preset, resample=resample) if patched else nullcontext()
        size = self.model.batch_size
        with running, _memory(size):
            started = time.perf_counter()
            images = [
                image
                for start in range(0, len(wishes), size)
                for image in self._run(wishes[start : start + size], preset, steps, on_call)
            ]
            return Painted(tuple(images), time.perf_counter() - started)

    @torch.no_grad()
    def _run(
        self,
        wishes: Sequence[Wish],
        preset: Preset,
        steps: int | None,
        on_call: Callable[[], None],
    ) -> list[Image.Image]:
        def callback(_: Any, __: int, ___: Any, ____: dict[str, Tensor]) -> dict[str, Tensor]:
            on_call()
            return {}

        sampler = preset.sampler
        with self.family.followed(self.pipe, callback) as following:
            images: list[Image.Image] = self.pipe(
                num_inference_steps=steps or sampler.num_inference_steps,
                guidance_scale=sampler.guidance_scale,
                generator=[torch.Generator().manual_seed(wish.seed) for wish in wishes],
                **self.family.encode(
                    self.pipe,
                    [wish.prompt for wish in wishes],
                    self.pipe.device,
                    sampler.guidance_scale > 1,
                ),
                **following,
            ).images
        return images


@contextmanager
def _memory(batch_size: int) -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # torch.OutOfMemoryError is a RuntimeError; a CPU's allocator has none of its own.
        known = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not known and not any(words in str(error) for words in NO_MEMORY):
            raise
        raise UserError(
            f"There is not enough memory for {batch_size} images at once. Lower model.batch_size, "
            "or set model.vae_slicing=true."
        ) from error
