"""The forward that runs a schedule in place of a denoiser's own."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from threading import get_ident
from typing import Any

import torch
from torch import Tensor

from dato.denoisers.base import Adapter
from dato.errors import MismatchError
from dato.fit import Fit
from dato.runtime.caller import Caller
from dato.runtime.course import Course
from dato.runtime.eager import Compute, Eager
from dato.runtime.forecast import PolicyOf
from dato.runtime.fusion import Fusion
from dato.runtime.guidance import Guidance
from dato.runtime.memory import Memory
from dato.runtime.other_setting import warn_of_other_setting
from dato.runtime.run import Run
from dato.runtime.steps import OUTPUT, Step
from dato.sampler.epsilon import Epsilon
from dato.sampler.fused_run import FusedRun
from dato.sampler.held_output import HeldOutput
from dato.sampler.stand_in import never_copied
from dato.sampler.timesteps import first_position, position, stepped, timesteps_of
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
        fusion: which of the pipeline's runs are fused.
    """

    def __init__(
        self,
        pipe: Any,
        adapter: Adapter,
        forward: Callable[..., Any],
        layout: Topology,
        fit: Fit,
        fusion: Fusion,
    ) -> None:
        self._pipe = weakref.ref(pipe)
        self._adapter = adapter
        self.eager = Eager(adapter, forward)
        self.compute: Compute = self.eager
        self._layout = layout
        self._fit = fit
        self.fusion = fusion
        self._forward = forward
        self._noises: dict[tuple[int, torch.device], Noise] = {}
        self.run: Run | None = None
        self._guidance = Guidance(fusion)

    def __reduce_ex__(self, protocol: object) -> Any:
        raise never_copied()

    @property
    def policy_of(self) -> PolicyOf:
        """How calls read the held values that they stand on."""
        return self.fusion.policy_of

    @policy_of.setter
    def policy_of(self, policy_of: PolicyOf) -> None:
        self.fusion.policy_of = policy_of

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
        pipe = self._applied()
        names = self._adapter.inputs
        keywords = dict(zip(names, args, strict=False)) | kwargs
        fused = self.fusion.current
        if fused is not None and self.fusion.is_plain(fused):
            caller = Caller.of(pipe)
            if caller.name:
                self._check_plain(fused, keywords, caller)
                return self._forward(*args, **kwargs)
        self._adapter.check_inputs(keywords)
        sample = keywords[names[0]]
        try:
            caller = Caller.of(pipe)
            run = self._follow(sample, keywords, caller)
            place = self._position(keywords, run)
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

    def _check_plain(self, fused: FusedRun, inputs: Mapping[str, Any], caller: Caller) -> None:
        """What still has to fit where a run asks for nothing but the denoiser's own forward."""
        if fused.call == 0 and self._fit.latent_size is not None:
            self._fit.check_size(self._adapter.canvas(inputs).size)
        self._guidance.follow(fused, self.pipe, caller)

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
        fused = self.fusion.run_of(self._adapter.timestep(inputs)) if caller.name else None
        if fused is not None:
            self._guidance.follow(fused, pipe, caller)
        timesteps = timesteps_of(pipe.scheduler) if fused is None else fused.timesteps
        if self.run is None or self.run.timesteps is not timesteps:
            self.run = None
            course = self._course(pipe.scheduler, timesteps, inputs, fused)
            self.run = self._start(course, sample, inputs, caller)
        if self.run.thread != get_ident():
            raise MismatchError(
                "Another thread calls the denoiser in mid-run, but it follows one run at a time.",
                remedy="Give each thread a pipeline with a denoiser.",
            )
        return self.run

    def _course(
        self, scheduler: Any, timesteps: Tensor, inputs: Mapping[str, Any], fused: FusedRun | None
    ) -> Course:
        self._adapter.check()
        if fused is not None:
            if fused.call:
                raise MismatchError(
                    f"Another run began before this one's call {fused.call + 1}, but a denoiser "
                    "follows one run at a time.",
                    remedy="Run no pipeline inside its own callback, and none in two threads.",
                )
            return Course.fused_of(fused, self.fusion)
        timestep = self._adapter.timestep(inputs)
        start = position(timestep, timesteps)
        start = stepped(scheduler) if start is None else start
        start = first_position(timestep, timesteps) if start is None else start
        return Course.whole(self._fit, scheduler, timesteps, start)

    def _position(self, inputs: Mapping[str, Any], run: Run) -> int | None:
        """Which of a run's timesteps a call is for, or None where only its value could tell."""
        timestep = self._adapter.timestep(inputs)
        found = position(timestep, run.timesteps)
        if found is not None:
            return found
        fused = self.fusion.run_of(timestep)
        return stepped(self.pipe.scheduler) if fused is None else fused.call

    def _start(
        self, course: Course, sample: Tensor, inputs: Mapping[str, Any], caller: Caller
    ) -> Run:
        adapter, scheduler, schedule = self._adapter, self.pipe.scheduler, course.schedule
        canvas = adapter.canvas(inputs)
        self._fit.check_size(canvas.size)
        warn_of_other_setting(self._fit, caller, scheduler, adapter.denoiser)
        steps = course.steps(self._layout, scheduler, self.policy_of)
        held = None
        if not course.fused:
            held = HeldOutput.of(schedule.quantity, scheduler, course.every, sample.device)
        prunes = self._check_pruned(steps)
        groups = caller.groups(len(sample)) if prunes and adapter.guided else 1
        dynamics = Dynamics()
        noise = self._noise_of(schedule.calls, sample.device)
        tracks = steps[0].track
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
