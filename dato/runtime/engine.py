"""The forward that runs a schedule in place of a denoiser's own."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from dato.denoisers.base import Adapter
from dato.errors import MismatchError, UnsupportedError
from dato.fit import Fit
from dato.runtime.caller import Caller
from dato.runtime.eager import Compute, Eager
from dato.runtime.epsilon import Epsilon
from dato.runtime.forecast import PolicyOf, forecasts
from dato.runtime.held_output import HeldOutput
from dato.runtime.memory import Memory
from dato.runtime.other_setting import warn_of_other_setting
from dato.runtime.run import Run
from dato.runtime.sampler import renews_noise
from dato.runtime.steps import OUTPUT, Step, plan_steps
from dato.runtime.timesteps import first_position, position, stepped, timesteps_of
from dato.schedule import Schedule
from dato.tokens.dynamics import Dynamics
from dato.tokens.noise import Noise
from dato.tokens.plans import Pruner
from dato.topology import Topology


class Engine:
    """Runs one schedule on one denoiser, run after run.

    Args:
        pipe: the pipeline, held weakly; its scheduler tells where each run begins.
        adapter: its denoiser.
        forward: the forward to use where nothing has to be cut, the denoiser's own.
        layout: the denoiser's topology.
        fit: the schedule and what it belongs to.
        policy_of: how calls read the held values that they stand on.
    """

    def __init__(
        self,
        pipe: Any,
        adapter: Adapter,
        forward: Callable[..., Any],
        layout: Topology,
        fit: Fit,
        policy_of: PolicyOf = forecasts,
    ) -> None:
        self._pipe = weakref.ref(pipe)
        self._adapter = adapter
        self.eager = Eager(adapter, forward)
        self.compute: Compute = self.eager
        self._layout = layout
        self._fit = fit
        self.policy_of = policy_of
        self._noises: dict[tuple[int, torch.device], Noise] = {}
        self.run: Run | None = None

    def __reduce_ex__(self, protocol: object) -> Any:
        raise never_copied()

    @property
    def pipe(self) -> Any:
        """The pipeline, or None once it is gone."""
        return self._pipe()

    def pruner(self) -> Pruner | None:
        """The pruner of the run that is going on."""
        return None if self.run is None else self.run.pruner

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """One call: same arguments and result as the denoiser's own forward.

        Raises:
            MismatchError: the call does not belong to a run that the schedule fits.
            UnsupportedError: an argument or module that the engine cannot honour.
        """
        names = self._adapter.inputs
        keywords = dict(zip(names, args, strict=False)) | kwargs
        self._adapter.check_inputs(keywords)
        sample = keywords[names[0]]
        try:
            caller = Caller.of(self._applied())
            run = self._follow(sample, keywords, caller)
            place = self._position(keywords, run.timesteps)
            step = run.begin(sample, place, caller.guided)
            held = run.memory.read(step, sample, run.place)
            if step.inner == OUTPUT:
                assert held is not None
                output = held
                run.finish(step, sample, None, {})
            else:
                output, captured = self.compute(run, step, keywords, held)
                run.finish(step, sample, output, captured)
        except BaseException:
            self.run = None
            raise
        if keywords.get("return_dict", True):
            return self._adapter.result(output)
        return (output,)

    def _position(self, inputs: Mapping[str, Any], timesteps: Tensor) -> int | None:
        """Which of the timesteps a call is for, or None where only its value could tell."""
        found = position(self._adapter.timestep(inputs), timesteps)
        return stepped(self.pipe.scheduler) if found is None else found

    def _applied(self) -> Any:
        pipe = self.pipe
        if pipe is None:
            raise MismatchError(
                "The pipeline that this schedule was applied to is gone.",
                remedy="Call dato.remove and dato.apply on the pipeline that is used now.",
            )
        return pipe

    def _follow(self, sample: Tensor, inputs: Mapping[str, Any], caller: Caller) -> Run:
        """The current run, or a new one when the scheduler's timesteps are new."""
        pipe = self.pipe
        timesteps = timesteps_of(pipe.scheduler)
        if self.run is None or self.run.timesteps is not timesteps:
            self.run = None
            self.run = self._start(pipe, timesteps, sample, inputs, caller)
        return self.run

    def _start(
        self,
        pipe: Any,
        timesteps: Tensor,
        sample: Tensor,
        inputs: Mapping[str, Any],
        caller: Caller,
    ) -> Run:
        adapter = self._adapter
        adapter.check()
        start = self._position(inputs, timesteps)
        if start is None:
            start = first_position(adapter.timestep(inputs), timesteps)
        canvas = adapter.canvas(inputs)
        schedule = self._fit.schedule_for(pipe.scheduler, len(timesteps) - start, canvas.size)
        warn_of_other_setting(self._fit, caller, pipe.scheduler, adapter.denoiser)
        policy = self.policy_of(schedule, _values_of(pipe.scheduler, timesteps[start:], schedule))
        steps = plan_steps(schedule, self._layout, policy)
        held = HeldOutput.of(schedule.quantity, pipe.scheduler, timesteps, sample.device)
        prunes = self._check_pruned(steps)
        groups = caller.groups(len(sample)) if prunes and adapter.guided else 1
        dynamics = Dynamics()
        noise = self._noise_of(len(steps), sample.device)
        return Run(
            timesteps=timesteps,
            start=start,
            steps=steps,
            shape=tuple(sample.shape),
            guided=caller.guided,
            images=sample.shape[0] // groups,
            epsilon=Epsilon(pipe.scheduler, timesteps, sample.device) if steps[0].track else None,
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


def never_copied() -> UnsupportedError:
    """The error for a copy, in memory or in a file, of what runs a schedule."""
    return UnsupportedError(
        "A pipeline can be neither copied nor pickled while a schedule is applied.",
        remedy="Call dato.remove, copy or pickle, then dato.apply to each.",
    )


def _values_of(scheduler: Any, timesteps: Tensor, schedule: Schedule) -> list[float]:
    """The timesteps as numbers, which waits for the device once a run.

    All are 0 where no straight line is drawn: nothing is forecast linearly, or the sampler
    replaces all the noise at each step. There ``linear`` holds.
    """
    linear = any(kind.forecast == "linear" for kind in schedule.kinds.values())
    if not linear or renews_noise(scheduler):
        return [0.0] * len(timesteps)
    values: list[float] = timesteps.tolist()
    return values
