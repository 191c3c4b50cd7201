"""The forward that runs a schedule in place of a denoiser's own."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from threading import RLock, get_ident
from typing import Any

from torch import Tensor

from dato.denoisers.base import Adapter
from dato.denoisers.other_caches import check_no_other_cache
from dato.denoisers.processors import check_uncounted, counts_of
from dato.denoisers.sizes import most_latents
from dato.errors import MismatchError
from dato.fit import Fit
from dato.runtime.caller import Caller
from dato.runtime.course import Course
from dato.runtime.eager import Compute, Eager
from dato.runtime.forecast import PolicyOf
from dato.runtime.fusion import Fusion
from dato.runtime.guidance import Guidance
from dato.runtime.loop import Loop, overlapping
from dato.runtime.run import Run
from dato.runtime.starter import Starter
from dato.runtime.steps import OUTPUT
from dato.sampler.fused_run import FusedRun
from dato.sampler.stand_in import never_copied
from dato.sampler.timesteps import position, stepped
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
        self._fit = fit
        self._starter = Starter(adapter, layout, fit)
        self.fusion = fusion
        self.run: Run | None = None
        self._guard = RLock()
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
        caller = Caller.of(pipe)
        fused = self._fused(keywords, caller)
        if fused is not None and self.fusion.is_plain(fused):
            output = self._plain(fused, keywords, caller)
        else:
            self._adapter.check_inputs(keywords)
            with self._guard:  # a pruned layer asks for the run that is going on
                output = self._call(keywords, caller, fused)
        if keywords.get("return_dict", True):
            return self._adapter.result(output)
        return (output,)

    def _fused(self, inputs: Mapping[str, Any], caller: Caller) -> FusedRun | None:
        """The fused run of a call; None where it goes call by call."""
        if not caller.name:
            return None
        timestep = caller.timestep
        return self.fusion.run_of(self._adapter.timestep(inputs) if timestep is None else timestep)

    def _call(self, inputs: Mapping[str, Any], caller: Caller, fused: FusedRun | None) -> Tensor:
        """The output of a call that the denoiser's own forward alone cannot give."""
        sample = inputs[self._adapter.inputs[0]]
        run, place = self._follow(sample, inputs, caller, fused)
        try:
            step = run.begin(sample, place, caller.guided)
            held = run.memory.read(step, sample, run.place)
            if step.inner == OUTPUT:
                assert held is not None
                output = held
                run.finish(step, sample, None, {})
            else:
                counting = run.call == 0 and any(each.depth != "full" for each in run.steps)
                before = counts_of(self._adapter.denoiser) if counting else {}
                output, captured = self.compute(run, step, inputs, held)
                if counting:
                    check_uncounted(before, counts_of(self._adapter.denoiser))
                run.finish(step, sample, output, captured)
        except BaseException:
            self.run = None
            raise
        return output

    def _plain(self, fused: FusedRun, inputs: Mapping[str, Any], caller: Caller) -> Tensor:
        """The output of a call whose run asks for nothing but the denoiser's own forward."""
        first, denoiser = fused.call == 0, self._adapter.denoiser
        if first and self._fit.latent_size is not None:
            self._fit.check_size(self._adapter.canvas(inputs).size, most_latents(denoiser))
        self._guidance.follow(fused, self.pipe, caller)
        before = counts_of(denoiser) if first else {}
        output = self.compute.whole(inputs)
        if first:
            check_uncounted(before, counts_of(denoiser))
        return output

    def _applied(self) -> Any:
        pipe = self.pipe
        if pipe is None:
            raise MismatchError(
                "The pipeline that this schedule was applied to is gone.",
                remedy="Call dato.remove and dato.apply on the pipeline that is used now.",
            )
        return pipe

    def _follow(
        self, sample: Tensor, inputs: Mapping[str, Any], caller: Caller, fused: FusedRun | None
    ) -> tuple[Run, int | None]:
        """The run that a call belongs to, a new one at its first call, and the call's place in it:
        which of the run's timesteps it is for, or None where only its value could tell."""
        pipe, run = self.pipe, self.run
        if fused is not None:
            self._guidance.follow(fused, pipe, caller)
            if run is None or run.timesteps is not fused.timesteps:
                run = self._open(self._fused_course(fused), sample, inputs, caller)
            self._check_thread(run)
            place = position(caller.timestep, fused.timesteps)
            return run, fused.call if place is None else place
        loop = Loop.of(caller, pipe.scheduler, self._adapter.timestep(inputs))
        if run is None or self._begins(run, loop):
            self._check()
            course = Course.whole(self._fit, pipe.scheduler, loop)
            run = self._open(course, sample, inputs, caller)
        self._check_thread(run)
        place = run.course.place(loop)
        if place is None or place == run.coming:
            loop.check(run.timesteps, run.coming, pipe.scheduler)
        return run, stepped(pipe.scheduler) if place is None else place

    def _begins(self, run: Run, loop: Loop) -> bool:
        """Whether a call begins another run. Some pipelines go over kept timesteps once more."""
        return not loop.is_of(run.course.loop) or (run.over and loop.begins)

    def _check(self) -> None:
        """Refuse, at the start of a run, what has been put on the denoiser since."""
        self.fusion.check_scheduler()
        check_no_other_cache(self._adapter.denoiser)
        self._adapter.check()

    def _check_thread(self, run: Run) -> None:
        if run.thread != get_ident():
            raise MismatchError(
                "Another thread calls the denoiser in mid-run, but it follows one run at a time.",
                remedy="Give each thread a pipeline with a denoiser.",
            )

    def _fused_course(self, fused: FusedRun) -> Course:
        self._check()
        if fused.call:
            raise overlapping(fused.call)
        return Course.fused_of(fused, self.fusion)

    def _open(
        self, course: Course, sample: Tensor, inputs: Mapping[str, Any], caller: Caller
    ) -> Run:
        self.run = None
        self.fusion.ran = course.schedule
        scheduler = self.pipe.scheduler
        run = self._starter.run(course, scheduler, self.policy_of, sample, inputs, caller)
        self.run = run
        return run
