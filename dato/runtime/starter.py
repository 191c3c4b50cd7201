"""The start of a run: what its first call has to fit, and what the run keeps from there on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from dato.denoisers.base import Adapter
from dato.denoisers.sizes import most_latents
from dato.fit import Fit
from dato.runtime.caller import Caller
from dato.runtime.course import Course
from dato.runtime.forecast import PolicyOf
from dato.runtime.input_order import check_noisy_first
from dato.runtime.memory import Memory
from dato.runtime.other_setting import warn_of_other_setting
from dato.runtime.run import Run
from dato.runtime.steps import Step
from dato.sampler.epsilon import Epsilon
from dato.sampler.held_output import HeldOutput
from dato.sampler.traits import predicted
from dato.tokens.dynamics import Dynamics
from dato.tokens.noise import Noise
from dato.tokens.plans import Pruner
from dato.topology import Topology


class Starter:
    """Makes the runs of one schedule on one denoiser.

    Args:
        adapter: the denoiser.
        layout: its topology.
        fit: the schedule and what it belongs to.
    """

    def __init__(self, adapter: Adapter, layout: Topology, fit: Fit) -> None:
        self._adapter, self._layout, self._fit = adapter, layout, fit
        self._noises: dict[tuple[int, torch.device], Noise] = {}

    def run(
        self,
        course: Course,
        scheduler: Any,
        policy_of: PolicyOf,
        sample: Tensor,
        inputs: Mapping[str, Any],
        caller: Caller,
    ) -> Run:
        """A run of the schedule from its first call.

        Args:
            course: which calls it makes.
            scheduler: the pipeline's, after ``set_timesteps``.
            policy_of: how calls read the held values that they stand on.
            sample: the first call's.
            inputs: of the first call, by name.
            caller: the pipeline that makes it.

        Raises:
            MismatchError: the schedule does not fit the run.
            UnsupportedError: a module or an input that the engine cannot honour.
        """
        adapter, schedule = self._adapter, course.schedule
        canvas = adapter.canvas(inputs)
        self._fit.check_size(canvas.size, most_latents(adapter.denoiser))
        if not course.fused:  # else that was said when the run was opened
            warn_of_other_setting(self._fit, caller, scheduler, adapter.denoiser)
        steps = course.steps(self._layout, scheduler, policy_of)
        held = None
        if not course.fused:
            held = HeldOutput.of(schedule.quantity, scheduler, course.every, sample.device)
        tracks = steps[0].track
        if held is not None or (tracks and predicted(scheduler) != "epsilon"):
            latents = None if caller.latents is None else adapter.picture(caller.latents, canvas)
            check_noisy_first(adapter.denoiser, adapter.picture(sample, canvas), latents)
        prunes = self._check_pruned(steps)
        groups = caller.groups(len(sample)) if prunes and adapter.guided else 1
        dynamics = Dynamics()
        noise = self._noise_of(schedule.calls, sample.device)
        return Run(
            course=course,
            steps=steps,
            shape=tuple(sample.shape),
            guided=caller.guided,
            images=sample.shape[0] // groups,
            epsilon=Epsilon(scheduler, course.every, sample.device) if tracks else None,
            memory=Memory(held),
            dynamics=dynamics,
            pruner=Pruner(schedule.tokens, groups, dynamics, noise, canvas),
            picture=lambda value: adapter.picture(value, canvas),
        )

    def _check_pruned(self, steps: Iterable[Step]) -> bool:
        """Whether a run prunes; refuses layers into which another tool has come since."""
        names = {name for step in steps for name in step.ratios}
        for layer in self._layout.layers:
            if layer.name in names:
                self._adapter.site(layer).check(layer.name)
        return bool(names)

    def _noise_of(self, calls: int, device: torch.device) -> Noise:
        """The noise of runs of this length; kept, because compiled kinds cannot draw it again."""
        key = calls, device
        return self._noises.setdefault(key, Noise(calls, device))
