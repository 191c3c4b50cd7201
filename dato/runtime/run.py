"""The state of one denoising run: where it stands and what it remembers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import get_ident

from torch import Tensor

from dato.errors import MismatchError
from dato.runtime.course import Course
from dato.runtime.memory import Memory
from dato.runtime.steps import Step
from dato.sampler.epsilon import Epsilon
from dato.tokens.dynamics import Dynamics
from dato.tokens.plans import Pruner


@dataclass
class Run:
    """One pass of a pipeline's sampler over its timesteps.

    Args:
        course: the calls.
        steps: one step for each of these calls.
        shape: of the denoiser's input.
        guided: whether the batch is an unconditional and a conditional half; None where nothing
            says so.
        images: rows of the batch that the dynamics follow: all, or the unconditional half.
        epsilon: converts outputs to noise for the dynamics; None when nothing is pruned by them.
        dynamics: shared with ``pruner``.
        pruner: makes the plans.
        memory: what calls leave for the calls after them.
        picture: a sample or an output as (batch, channels, height, width).
        call: how many of the steps have run.
        thread: the one that makes all calls.
    """

    course: Course
    steps: tuple[Step, ...]
    shape: tuple[int, ...]
    guided: bool | None
    images: int
    epsilon: Epsilon | None
    dynamics: Dynamics
    pruner: Pruner
    memory: Memory
    picture: Callable[[Tensor], Tensor]
    call: int = 0
    thread: int = field(default_factory=get_ident)

    @property
    def timesteps(self) -> Tensor:
        """The scheduler's: all of them, or those of a fused run."""
        return self.course.timesteps

    @property
    def over(self) -> bool:
        """Whether all calls have run."""
        return self.call == len(self.steps)

    @property
    def number(self) -> int:
        """The number of the current call among all calls of the schedule."""
        return self.course.numbers[self.call]

    @property
    def place(self) -> int:
        """The place of the current call among all the sampler's timesteps."""
        return self.course.start + self.number

    @property
    def coming(self) -> int:
        """The place of the coming call among the timesteps, also after the last one."""
        return self.course.start + self.call

    def begin(self, sample: Tensor, position: int | None, guided: bool | None) -> Step:
        """Check that the next call belongs here, and return its step.

        Args:
            sample: the call's input.
            position: of the call's timestep; None where only the sampler's order tells.
            guided: whether the pipeline guides the call.

        Raises:
            MismatchError: too many calls, calls out of order, or another input shape.
        """
        if self.over:
            raise MismatchError(
                f"The denoiser is called once more, but the schedule has {len(self.steps)} calls "
                "and all of them have run.",
                remedy="Call scheduler.set_timesteps before each run.",
            )
        if position is not None and position != self.course.start + self.call:
            raise MismatchError(
                f"Call {self.call} is for timestep {position} of the sampler, not for timestep "
                f"{self.course.start + self.call}: the denoiser is not called once for each "
                "timestep, in order.",
                remedy="Call scheduler.set_timesteps before each run. FLUX with a true_cfg_scale "
                "above 1 calls it twice: leave it at 1. Panorama pipelines call it once for each "
                "batch of views: give them a view_batch_size that holds all views.",
            )
        if tuple(sample.shape) != self.shape:
            self._end_guidance(tuple(sample.shape), guided)
        step = self.steps[self.call]
        self.pruner.begin(self.number, step.ratios)
        return step

    def _end_guidance(self, shape: tuple[int, ...], guided: bool | None) -> None:
        """Go on with the conditional half, the second, where the pipeline guides no longer.

        The dynamics followed the unconditional half, whose outputs end here.
        """
        rows = shape[0]
        if not self.guided or guided is not False or (2 * rows, *shape[1:]) != self.shape:
            raise MismatchError(
                f"The input's shape changes from {self.shape} to {shape} during a run.",
                remedy="Change batch or size between runs only; guidance may end in mid-run.",
            )
        self.memory.keep(slice(rows, None))
        self.dynamics.follow_others()
        self.pruner.groups = 1
        self.shape, self.guided, self.images = shape, False, rows

    def captures(self, step: Step) -> frozenset[int]:
        """Every cut that some call of the same kind captures."""
        same = (each for each in self.steps if each.kind == step.kind)
        return frozenset().union(*(each.captures for each in same))

    def finish(
        self, step: Step, sample: Tensor, output: Tensor | None, captured: dict[int, Tensor]
    ) -> None:
        """Remember what coming calls need of this one, and nothing else.

        Args:
            output: what the call computed; None where it computed nothing.
        """
        if self.epsilon is not None and output is not None:
            images = slice(self.images)
            pictures = self.picture(output[images]), self.picture(sample[images])
            self.dynamics.update(self.epsilon(*pictures, self.place))
        if not step.track:
            self.epsilon = None
            self.dynamics.clear()
        self.memory.write(step, sample, self.place, output, captured)
        self.pruner.begin(self.number, {})
        self.call += 1
