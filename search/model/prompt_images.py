"""Images of a person's own prompts, from one loaded pipeline, with a preset or without."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

import torch
from PIL import Image

import dato
from dato import Preset
from dato.fit import Resample
from dato.patch import fuses
from dato.preset import SamplerInfo
from dato.step_counts import calls_of
from search.errors import UserError
from search.model.any_pipeline import family_of
from search.model.cut_prompts import count_cut, say_cut
from search.model.finite_images import only_finite
from search.model.loading import ModelConfig, load_pipeline
from search.model.out_of_memory import is_out_of_memory
from search.model.samplers import set_preset_scheduler


@dataclass(frozen=True)
class ImageRequest:
    """One image: its prompt, and the seed of its noise."""

    prompt: str
    seed: int


@dataclass(frozen=True)
class PromptImages:
    """Generated images.

    Args:
        images: one for each request, in their order.
        seconds: wall-clock seconds from the prompts to the images.
    """

    images: tuple[Image.Image, ...]
    seconds: float


class PromptPipeline:
    """Loads a pipeline once and runs presets on it.

    Each image is the one that the pipeline itself gives for the prompt and
    ``generator=torch.Generator().manual_seed(seed)``.

    Raises:
        UserError: the model cannot be loaded, or does not turn text into images.
    """

    def __init__(self, model: ModelConfig) -> None:
        self.model = model
        self.pipe = load_pipeline(model)
        self.family = family_of(self.pipe)
        self._own_scheduler = self.pipe.scheduler

    def calls(
        self,
        requests: int,
        preset: Preset | None,
        steps: int | None = None,
        *,
        patched: bool = True,
    ) -> int:
        """How often :meth:`generate` calls ``on_call``: once for each step of a pipeline's loop."""
        sampler = self.sampler_of(preset, patched=patched)
        self.sample_with(sampler)
        calls = calls_of(self.pipe.scheduler, steps or sampler.num_inference_steps)
        if patched and preset is not None:
            calls = self._steps(preset, calls)
        return calls * -(-requests // self.model.batch_size)

    def _steps(self, preset: Preset, calls: int) -> int:
        """Steps of a run of ``calls`` calls: where it is fused, those that are computed."""
        with dato.applied(self.pipe, preset, resample="nearest"):
            if not fuses(self.pipe):
                return calls
        schedule = preset.schedule
        schedule = schedule if schedule.calls == calls else schedule.resampled(calls)
        return sum(schedule.kind(call).depth != 0 for call in range(calls))

    def sample_with(self, sampler: ModelConfig | SamplerInfo) -> None:
        """Swap the scheduler. The settings of the one before it do not stay.

        Raises:
            UserError: it does not fit this model.
        """
        self.pipe.scheduler = self._own_scheduler
        if isinstance(sampler, SamplerInfo):
            set_preset_scheduler(self.pipe, sampler)

    @property
    def latent_size(self) -> tuple[int, int]:
        """Height and width of the latents."""
        _, height, width = self.family.latent_shape(self.pipe)
        return height, width

    def sampler_of(self, preset: Preset | None, *, patched: bool) -> ModelConfig | SamplerInfo:
        """What says which scheduler, steps and guidance run. A preset that is a sampler of few
        steps itself stands beside the model's own steps, at its guidance scale."""
        if preset is None:
            return self.model
        is_a_sampler = preset.schedule.tuned is not None or preset.sampler.timesteps
        if is_a_sampler and not patched:
            return replace(self.model, guidance_scale=preset.sampler.guidance_scale)
        return preset.sampler

    def generate(
        self,
        requests: Sequence[ImageRequest],
        preset: Preset | None,
        *,
        patched: bool = True,
        steps: int | None = None,
        resample: bool = False,
        on_call: Callable[[], None] = lambda: None,
    ) -> PromptImages:
        """Run a preset, with its own sampler, steps and guidance; without one the unpatched model,
        with those of its settings.

        Args:
            patched: whether the preset runs; if not, the unpatched model does, on the preset's
                sampler or, where that is all that the preset is, on the model's.
            steps: another number of steps, to which the schedule is stretched.
            resample: also run a preset of another size.
            on_call: called after every step of the pipeline's loop, see :meth:`calls`.

        Raises:
            DatoError: the preset does not fit this pipeline.
            UserError: out of memory, or an image is not finite.
        """
        sampler = self.sampler_of(preset, patched=patched)
        self.sample_with(sampler)
        stretched: Resample | None = "nearest" if resample or steps is not None else None
        running = (
            dato.applied(self.pipe, preset, resample=stretched)
            if patched and preset is not None
            else nullcontext()
        )
        prompts = {request.prompt for request in requests}
        say_cut(count_cut(self.pipe, sorted(prompts)), len(prompts))
        size = self.model.batch_size
        with running, _memory(size):
            started = time.perf_counter()
            images = [
                image
                for start in range(0, len(requests), size)
                for image in self._run(requests[start : start + size], sampler, steps, on_call)
            ]
            return PromptImages(tuple(images), time.perf_counter() - started)

    @torch.no_grad()
    def _run(
        self,
        requests: Sequence[ImageRequest],
        sampler: ModelConfig | SamplerInfo,
        steps: int | None,
        on_call: Callable[[], None],
    ) -> list[Image.Image]:
        with self.family.followed(self.pipe, on_call) as following, only_finite(self.pipe):
            images: list[Image.Image] = self.pipe(
                num_inference_steps=steps or sampler.num_inference_steps,
                guidance_scale=sampler.guidance_scale,
                generator=[torch.Generator().manual_seed(request.seed) for request in requests],
                **self.family.encode(
                    self.pipe,
                    [request.prompt for request in requests],
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
        if not is_out_of_memory(error):
            raise
        raise UserError(
            f"Memory is too small for {batch_size} images at once. Lower model.batch_size, or set "
            "model.vae_slicing=true."
        ) from error
