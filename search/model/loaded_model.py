"""A pipeline in memory, and what it tells of itself."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property
from hashlib import sha256
from typing import Any, Self

import torch

import dato
from dato import Schedule, Topology
from dato.denoisers.registry import denoiser_of
from dato.patch import fuses
from dato.preset.fields import Setting
from dato.scheduler_settings import settings_of
from dato.step_counts import calls_of
from search.model.any_pipeline import family_of
from search.model.cost_setting import Work, architecture_of
from search.model.given_timesteps import Given, given_timesteps
from search.model.loading import ModelConfig, load_pipeline
from search.model.topology import topology_of
from search.records.timesteps import OWN_TIMESTEPS

_OF_THE_RUN = ("given", "calls", "fused", "work")
"""What follows from the settings of a run, and is kept."""


class LoadedModel:
    """A pipeline on its device, with the settings of its runs.

    Args:
        pipe: one that is loaded already.

    Raises:
        UserError: the model cannot be loaded.
    """

    def __init__(self, model: ModelConfig, *, pipe: Any = None) -> None:
        self.model = model
        self.pipe = load_pipeline(model) if pipe is None else pipe
        self.family = family_of(self.pipe)
        self.denoiser = denoiser_of(self.pipe)
        self.device: torch.device = self.denoiser.device

    def with_run(self, **settings: Any) -> Self:
        """The same pipeline, and the same prompts of a generator, with other settings of the run.

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
        """What a run computes, which a cost table prices."""
        height, width = self.latent_size
        factor = self.pipe.vae_scale_factor
        return Work(
            model=self.model.path,
            architecture=architecture_of(self.denoiser),
            skip_branches=self.topology.skip_branches,
            layers=self.topology.layers,
            latent_size=(height, width),
            image_size=(height * factor, width * factor),
            guided=self.guided,
            scheduler=type(self.pipe.scheduler).__name__,
            calls=self.calls,
            fused=self.fused,
        )

    @property
    def scheduler_settings(self) -> Mapping[str, Setting]:
        """The settings of the scheduler that are not the defaults of its class."""
        return settings_of(self.pipe.scheduler)

    @contextmanager
    def applied(self, schedule: Schedule | None) -> Iterator[None]:
        """The pipeline runs ``schedule`` inside the block, as it does for a user. One that skips no
        call of a denoiser without an adapter is the unpatched run."""
        if schedule is not None and not self.topology.skip_branches:
            computes = all(kind.is_null for kind in schedule.kinds.values())
            schedule = None if computes and schedule.tuned is None else schedule
        with nullcontext() if schedule is None else dato.applied(self.pipe, schedule):
            yield
