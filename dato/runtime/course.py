"""Which calls of a run the denoiser is asked for, and which of a schedule's steps these are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from torch import Tensor

from dato.fit import Fit
from dato.runtime.forecast import PolicyOf
from dato.runtime.fusion import Fusion
from dato.runtime.line_positions import line_positions
from dato.runtime.loop import Loop
from dato.runtime.steps import OUTPUT, Step, plan_steps
from dato.sampler.fused_run import FusedRun
from dato.schedule import Schedule
from dato.topology import Topology


@dataclass(frozen=True)
class Course:
    """The calls of one run.

    Args:
        schedule: of all the run's calls.
        timesteps: the scheduler's: all of them, or those of a fused run.
        every: all of the scheduler's timesteps, those of skipped calls too.
        start: position of the first call in them (above 0 for image-to-image).
        numbers: of the schedule's calls that the denoiser is asked for.
        loop: the timesteps that the pipeline's loop goes over, which tell its calls from others'.
        fused: whether the others are the sampler's.
    """

    schedule: Schedule
    timesteps: Tensor
    every: Tensor
    start: int
    numbers: Sequence[int]
    loop: Tensor
    fused: bool

    @classmethod
    def fused_of(cls, run: FusedRun, fusion: Fusion) -> Self:
        """The computed calls of a fused run."""
        schedule = fusion.schedule_of(run)
        every = run.every if schedule.tuned is None else run.timesteps
        calls = run.trace.calls
        return cls(schedule, run.timesteps, every, 0, calls, run.timesteps, fused=True)

    @classmethod
    def whole(cls, fit: Fit, scheduler: Any, loop: Loop) -> Self:
        """Every call of a loop that is at its first one.

        Raises:
            MismatchError: the schedule is for another scheduler or number of calls, or this is no
                first call.
        """
        start, every = loop.start(scheduler), loop.every
        calls = len(every) - start if loop.by_hand else len(loop.timesteps)
        schedule = fit.schedule_for(scheduler, calls)
        numbers = range(schedule.calls)
        return cls(schedule, every, every, start, numbers, loop.timesteps, fused=False)

    def place(self, loop: Loop) -> int | None:
        """Which of all timesteps a loop's call is for; None where only its value could tell."""
        place = loop.place(self.timesteps)
        if place is None:  # the scheduler had a copy of the loop's when the run began
            within = loop.place(self.loop)
            place = None if within is None else self.start + within
        return place

    def steps(self, topology: Topology, scheduler: Any, policy_of: PolicyOf) -> tuple[Step, ...]:
        """The steps of these calls. Where the sampler has the outputs, none is held."""
        positions = line_positions(scheduler, self.every[self.start :], self.schedule)
        steps = plan_steps(self.schedule, topology, policy_of(self.schedule, positions))
        if not self.fused:
            return steps
        return tuple(_without_outputs(steps[number]) for number in self.numbers)


def _without_outputs(step: Step) -> Step:
    return replace(step, holds={cut: count for cut, count in step.holds.items() if cut != OUTPUT})
