"""Images of a schedule: one pipeline, one encoding of the prompts, fixed chunks of images."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor

import dato
from dato import DatoError, Schedule, Topology
from dato.denoisers.registry import denoiser_of
from dato.patch import fuses
from dato.preset.fields import Setting
from dato.scheduler_settings import settings_of
from search.errors import TrialError
from search.model.any_pipeline import family_of
from search.model.cost_setting import LayerSchema, Place, Work, architecture_of, timer_of
from search.model.cut_prompts import count_cut
from search.model.description import ModelDescription
from search.model.encoded_once import EncodedOnce
from search.model.finite_images import require_finite
from search.model.given_timesteps import Given, given_timesteps
from search.model.images import Images, pick
from search.model.loading import DTYPES, device_name, load_pipeline
from search.model.loading import ModelConfig as ModelConfig
from search.model.out_of_memory import is_out_of_memory
from search.model.parts import digests_of
from search.model.samplers import calls_of
from search.model.steps_of import after_each_step
from search.model.threads import one_thread
from search.model.topology import topology_of
from search.model.weights import pipeline_folder
from search.model.workload import Workload, chunk_indices, chunks_of
from search.records.timesteps import OWN_TIMESTEPS

_OF_THE_RUN = ("given", "calls", "fused", "work")
"""What follows from the settings of a run, and is kept."""

ON_DEVICE = 1 << 30
"""Bytes of pixels that one :meth:`Generator.generate` leaves on the device for the metric. A larger
set, such as an audit's thousands of images, goes to main memory chunk by chunk."""


class Generator:
    """Loads a pipeline once, encodes a workload's prompts once, and runs schedules on both.

    Images come in fixed chunks: chunk ``k`` is always images ``k * batch_size`` up to
    ``(k + 1) * batch_size`` in one denoising run. So a chunk has the same bits, whichever of its
    images are asked for. On a CPU everything runs on one thread.

    Raises:
        UserError: the model cannot be loaded.
    """

    def __init__(self, model: ModelConfig, workload: Workload, *, pipe: Any = None) -> None:
        self.model = model
        self.workload = workload
        self.pipe = load_pipeline(model) if pipe is None else pipe
        self.family = family_of(self.pipe)
        self.denoiser = denoiser_of(self.pipe)
        self.device: torch.device = self.denoiser.device
        self.chunk_count = -(-len(workload) // model.batch_size)
        self._encoded = EncodedOnce()
        with self._threads(), self._text_encoders():
            self._conditions = tuple(self._encode(chunk) for chunk in range(self.chunk_count))

    def with_workload(self, workload: Workload) -> Generator:
        """The same loaded pipeline on other prompts and noise."""
        return Generator(self.model, workload, pipe=self.pipe)

    def one_image(self, workload: Workload, image: int) -> Generator:
        """The same loaded pipeline on one image of a workload, in a batch of its own."""
        return Generator(replace(self.model, batch_size=1), workload.only(image), pipe=self.pipe)

    def with_run(self, **settings: Any) -> Generator:
        """The same pipeline and encoded prompts, with other settings of the run.

        Args:
            settings: fields of the model's configuration.
        """
        other = copy.copy(self)
        other.model = replace(self.model, **settings)
        for name in _OF_THE_RUN:
            vars(other).pop(name, None)
        return other

    @cached_property
    def given(self) -> Given:
        """How the pipeline's call is told its timesteps; empty for the scheduler's own."""
        if self.model.timesteps == OWN_TIMESTEPS:
            return {}
        return given_timesteps(self.pipe, self.model.timesteps, self.latent_size)

    @cached_property
    def calls(self) -> int:
        """Denoiser calls of one run with this scheduler and number of steps."""
        return calls_of(self.pipe.scheduler, self.model.num_inference_steps, self.given)

    @cached_property
    def fused(self) -> bool:
        """Whether skipped calls are part of the sampler (:func:`dato.explain`)."""
        if self.calls < 2:
            return False
        with dato.applied(self.pipe, Schedule.uniform(self.calls, self.calls, 0)):
            return fuses(self.pipe)

    @property
    def guided(self) -> bool:
        """Whether every image takes two rows of the denoiser's batch."""
        return self.family.halves and self.model.guided

    @cached_property
    def topology(self) -> Topology:
        return topology_of(self.pipe)

    @cached_property
    def fingerprint(self) -> str:
        """Of the weights. Those that have none, because they are quantized, go by their name, so
        that nothing kept for one model is taken for another's."""
        model = self.model
        named = repr((model.path, model.weights, model.architecture, model.dtype))
        return dato.fingerprint(self.pipe) or f"named:{sha256(named.encode()).hexdigest()}"

    @property
    def latent_size(self) -> tuple[int, int]:
        """Height and width of the latents."""
        _, height, width = self.family.latent_shape(self.pipe)
        return height, width

    @cached_property
    def work(self) -> Work:
        """What a run of this generator computes, which a cost table prices."""
        height, width = self.latent_size
        factor = self.pipe.vae_scale_factor
        return Work(
            model=self.model.path,
            architecture=architecture_of(self.denoiser),
            skip_branches=self.topology.skip_branches,
            layers=tuple(LayerSchema(**vars(layer)) for layer in self.topology.layers),
            latent_size=(height, width),
            image_size=(height * factor, width * factor),
            guided=self.guided,
            scheduler=type(self.pipe.scheduler).__name__,
            calls=self.calls,
            fused=self.fused,
        )

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

    @property
    def scheduler_settings(self) -> Mapping[str, Setting]:
        """The settings of the scheduler that are not the defaults of its class."""
        return settings_of(self.pipe.scheduler)

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
        with _trial_errors(), self.applied(schedule):
            latents, pixels = self._whole(chunk) if self.family.whole else self._parted(chunk)
            if self.device.type == "cuda":  # else the decoder's time would count as the metric's
                torch.cuda.synchronize(self.device)
        return Images(pixels, latents.float(), time.perf_counter() - started)

    def _parted(self, chunk: int) -> tuple[Tensor, Tensor]:
        latents = _finite(self.loop(chunk))
        return latents, self._decode(latents)

    def _whole(self, chunk: int) -> tuple[Tensor, Tensor]:
        """The same where the pipeline's call decodes; its last step tells the latents."""
        last: list[Tensor] = []
        with after_each_step(
            self.pipe.scheduler, lambda latents: last.__setitem__(slice(None), [latents])
        ):
            image = self.loop(chunk, output_type="pt")
        latents = _finite(last[0])
        require_finite(image)
        return latents, _pixels(image)

    @contextmanager
    def applied(self, schedule: Schedule | None) -> Iterator[None]:
        """The pipeline runs ``schedule`` inside the block, as it does for a user. One that skips no
        call of a denoiser without an adapter is the unpatched run."""
        if schedule is not None and not self.topology.skip_branches:
            computes = all(kind.is_null for kind in schedule.kinds.values())
            schedule = None if computes and schedule.tuned is None else schedule
        with nullcontext() if schedule is None else dato.applied(self.pipe, schedule):
            yield

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
        with _trial_errors(), self._threads(), once, self._followed(on_step) as following:
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

    @contextmanager
    def _text_encoders(self) -> Iterator[None]:
        """Text encoders are on the device only while they encode: nothing needs them later."""
        found = (getattr(self.pipe, name) for name in self.family.text_encoders)
        encoders = [encoder for encoder in found if encoder is not None]
        for encoder in encoders:
            encoder.to(self.device)
        try:
            yield
        finally:
            for encoder in encoders:
                encoder.to("cpu")

    @torch.no_grad()
    def _decode(self, latents: Tensor) -> Tensor:
        """uint8 pixels on the device: (images, 3, height, width).

        Raises:
            TrialError: what the decoder gave is not finite.
        """
        with self._threads():
            image = self.family.decode(self.pipe, latents)
            require_finite(image)
            return _pixels(self.pipe.image_processor.postprocess(image, output_type="pt"))


def _finite(latents: Tensor) -> Tensor:
    if not torch.isfinite(latents).all():
        raise TrialError("The latents hold NaN or infinity.")
    return latents


def _pixels(image: Tensor) -> Tensor:
    """uint8 of values from 0 to 1."""
    return image.float().mul(255).round().to(torch.uint8).contiguous()


@contextmanager
def _trial_errors() -> Iterator[None]:
    """Turn errors for which only this schedule is to blame into :class:`TrialError`."""
    try:
        yield
    except DatoError as error:
        raise TrialError(str(error)) from error
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise TrialError(f"Out of memory: {error}. Lower model.batch_size.") from error
