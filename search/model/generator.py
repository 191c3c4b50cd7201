"""Images of a schedule: one pipeline, one encoding of the prompts, fixed chunks of images."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from dato import Schedule
from search.model.cost_setting import Place, timer_of
from search.model.cut_prompts import count_cut
from search.model.description import ModelDescription
from search.model.devices import device_name
from search.model.encoded_once import EncodedOnce
from search.model.finite_images import require_finite, require_finite_latents
from search.model.images import Images, pick
from search.model.loaded_model import LoadedModel
from search.model.loading import DTYPES, ModelConfig
from search.model.parts import digests_of
from search.model.pixels import as_pixels, decoded
from search.model.steps_of import after_each_step
from search.model.text_encoders import text_encoders_on
from search.model.threads import one_thread
from search.model.trial_errors import trial_errors
from search.model.weights import pipeline_folder
from search.model.workload import Workload, chunk_indices, chunks_of

ON_DEVICE = 1 << 30
"""Bytes of pixels that one :meth:`Generator.generate` leaves on the device for the metric. A larger
set, such as an audit's thousands of images, goes to main memory chunk by chunk."""


class Generator(LoadedModel):
    """Encodes a workload's prompts once, and runs schedules on them.

    Images come in fixed chunks: chunk ``k`` is always images ``k * batch_size`` up to
    ``(k + 1) * batch_size`` in one denoising run. So a chunk has the same bits, whichever of its
    images are asked for. On a CPU everything runs on one thread.

    Raises:
        UserError: the model cannot be loaded.
    """

    def __init__(self, model: ModelConfig, workload: Workload, *, pipe: Any = None) -> None:
        super().__init__(model, pipe=pipe)
        self.workload = workload
        self.chunk_count = -(-len(workload) // model.batch_size)
        self._encoded = EncodedOnce()
        with self._threads(), text_encoders_on(self.device, self.pipe, self.family):
            self._conditions = tuple(self._encode(chunk) for chunk in range(self.chunk_count))

    def with_workload(self, workload: Workload) -> Generator:
        """The same loaded pipeline on other prompts and noise."""
        return Generator(self.model, workload, pipe=self.pipe)

    def one_image(self, workload: Workload, image: int) -> Generator:
        """The same loaded pipeline on one image of a workload, in a batch of its own."""
        return Generator(replace(self.model, batch_size=1), workload.only(image), pipe=self.pipe)

    @property
    def place(self) -> Place:
        """Where it runs, which is where measured costs hold."""
        return Place(
            device=device_name(self.device),
            dtype=self.model.dtype,
            batch_size=min(self.model.batch_size, len(self.workload)),
            timer=timer_of(self.device),
        )

    @property
    def description(self) -> ModelDescription:
        """The model as a study must know it. Every weight is read once."""
        cut = count_cut(self.pipe, self.workload.prompts)
        return ModelDescription(
            self.work, self.place, self.fingerprint, cut, self._parts, self.scheduler_settings
        )

    @cached_property
    def _parts(self) -> Mapping[str, str]:
        pretrained = self.model.weights == "pretrained"
        folder = pipeline_folder(self.model.path) if pretrained else None
        return digests_of(self.pipe, self.denoiser, folder)

    def generate(self, schedule: Schedule | None, indices: Sequence[int]) -> Images:
        """Images ``indices`` under ``schedule``; ``None`` is the unpatched pipeline.

        Raises:
            TrialError: the schedule does not fit, ran out of memory, or gave NaN.
        """
        wanted = chunks_of(indices, self.model.batch_size, len(self.workload))
        height, width = self.work.image_size
        stay = 3 * height * width * len(indices) <= ON_DEVICE
        parts: dict[int, Images] = {}
        for chunk in wanted:
            made = self.chunk(schedule, chunk)
            parts[chunk] = made if stay else made.cpu()
        return pick(parts, indices, self.model.batch_size)

    def chunk(self, schedule: Schedule | None, chunk: int) -> Images:
        """All images of one chunk, on the device; see :meth:`generate`."""
        started = time.perf_counter()
        with trial_errors(), self.applied(schedule):
            latents, pixels = self._whole(chunk) if self.family.whole else self._parted(chunk)
            if self.device.type == "cuda":  # else the decoder's time would count as the metric's
                torch.cuda.synchronize(self.device)
        return Images(pixels, latents.float(), time.perf_counter() - started)

    def _parted(self, chunk: int) -> tuple[Tensor, Tensor]:
        latents = self.loop(chunk)
        require_finite_latents(latents)
        with self._threads():
            return latents, decoded(self.pipe, self.family, latents)

    def _whole(self, chunk: int) -> tuple[Tensor, Tensor]:
        """The same where the pipeline's call decodes; its last step tells the latents."""
        last: list[Tensor] = []
        with after_each_step(
            self.pipe.scheduler, lambda latents: last.__setitem__(slice(None), [latents])
        ):
            image = self.loop(chunk, output_type="pt")
        require_finite_latents(last[0])
        require_finite(image)
        return last[0], as_pixels(image)

    def loop(
        self,
        chunk: int,
        on_step: Callable[[], None] | None = None,
        *,
        output_type: str = "latent",
    ) -> Tensor:
        """One denoising run of the pipeline as it is now, without decoding unless it is asked for.

        Args:
            chunk: which images.
            on_step: called after each step of the pipeline's loop, which goes over computed calls
                where a run is fused.
            output_type: what comes out, as the pipeline's call names it.

        Returns:
            Latents on the device, as the pipeline returns them: (images, channels, height, width),
            or packed.

        Raises:
            TrialError: the schedule does not fit, or memory ran out.
        """
        indices = chunk_indices(chunk, self.model.batch_size, len(self.workload))
        noise = {} if self.family.whole else {"latents": self._noise(indices)}
        once = self._encoded.answering(self.pipe) if self.family.whole else nullcontext()
        with trial_errors(), self._threads(), once, self._followed(on_step) as following:
            latents: Tensor = self.pipe(
                num_inference_steps=self.model.num_inference_steps,
                guidance_scale=self.model.guidance_scale,
                generator=self.workload.generators(indices),
                output_type=output_type,
                **self.given,
                **noise,
                **self._conditions[chunk],
                **following,
            ).images
        return latents

    def _noise(self, indices: Sequence[int]) -> Tensor:
        noise = self.workload.noise(indices, self.family.latent_shape(self.pipe))
        noise = self.family.noise(self.pipe, noise)
        return noise.to(self.device, DTYPES[self.model.dtype])

    def _followed(self, on_step: Callable[[], None] | None) -> Any:
        return nullcontext({}) if on_step is None else self.family.followed(self.pipe, on_step)

    def _threads(self) -> Any:
        return one_thread() if self.device.type == "cpu" else nullcontext()

    @torch.no_grad()
    def _encode(self, chunk: int) -> dict[str, Any]:
        """Prompt embeddings of one chunk, as the pipeline itself would compute them."""
        indices = chunk_indices(chunk, self.model.batch_size, len(self.workload))
        prompts = [self.workload.prompts[index] for index in indices]
        return self.family.encode(self.pipe, prompts, self.device, self.guided)
