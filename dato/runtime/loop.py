"""What the loop that makes a call goes over: this tells which run the call belongs to.

A scheduler knows only the run that was begun last. Where runs overlap (threads, a callback that
runs its pipeline) the pipeline's variables still say which is which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from dato.errors import MismatchError
from dato.runtime.caller import Caller
from dato.sampler.timesteps import (
    first_position,
    keeps_state,
    near,
    position,
    same_memory,
    stepped,
    timesteps_of,
)


@dataclass(frozen=True)
class Loop:
    """A pipeline's loop, or one written by hand, at a call.

    Args:
        timesteps: (calls,), those that it goes over; in a loop by hand, the scheduler's.
        every: (timesteps,), all of the scheduler's now.
        current: the timestep that the denoiser is called with.
        variable: the same in the pipeline, before it turned it into another type; None where
            nothing says so.
        by_hand: whether no pipeline makes the call.
    """

    timesteps: Tensor
    every: Tensor
    current: Any
    variable: Tensor | None
    by_hand: bool

    @classmethod
    def of(cls, caller: Caller, scheduler: Any, current: Any) -> Self:
        """The loop of a call that goes call by call."""
        every = timesteps_of(scheduler)
        timesteps = every if caller.timesteps is None else caller.timesteps
        return cls(timesteps, every, current, caller.timestep, not caller.name)

    def is_of(self, timesteps: Tensor) -> bool:
        """Whether this is the loop that went over ``timesteps``."""
        return same_memory(self.timesteps, timesteps)

    def place(self, timesteps: Tensor) -> int | None:
        """Which of ``timesteps`` the call is for; None where only its value could tell."""
        place = position(self.current, timesteps)
        return position(self.variable, timesteps) if place is None else place

    @property
    def begins(self) -> bool:
        """Whether a pipeline's loop is at its first timestep."""
        return not self.by_hand and self.place(self.timesteps) == 0

    def start(self, scheduler: Any) -> int:
        """The place of the loop's first call among all of the scheduler's timesteps.

        Raises:
            MismatchError: this is not its first call, or the scheduler is in another run.
        """
        first = self.place(self.timesteps)
        whole = same_memory(self.timesteps, self.every)
        if not self.by_hand and (first or not (whole or self._repeats())):
            raise overlapping(first or 0)
        for start in (self.place(self.every), stepped(scheduler)):
            if start is not None:
                return start
        return first_position(self.current if self.variable is None else self.variable, self.every)

    def _repeats(self) -> bool:
        """Whether the loop goes over a copy of the scheduler's timesteps; waits for the device."""
        copies = self.timesteps.to(self.every)
        return bool(torch.isin(copies, self.every).all())

    def check(self, timesteps: Tensor, call: int, scheduler: Any) -> None:
        """Refuse a call of a run when the scheduler, or the loop by hand, is in another one.

        Args:
            timesteps: all of the scheduler's in this run.
            call: the coming one's place among them.

        Raises:
            MismatchError: they have been set again since.
        """
        moved = keeps_state(scheduler) and not same_memory(timesteps, self.every)
        if moved or (self.by_hand and call < len(timesteps) and self._is_foreign(timesteps, call)):
            raise overlapping(call)

    def _is_foreign(self, timesteps: Tensor, call: int) -> bool:
        current = self.current
        if isinstance(current, Tensor):
            view = current.untyped_storage().nbytes() > current.nbytes
            if same_memory(current, timesteps) or not (view or current.device.type == "cpu"):
                return False
            current = float(current.flatten()[0])
        return not near(float(current), float(timesteps[call]))


def overlapping(call: int) -> MismatchError:
    """The error for a call whose run the denoiser no longer follows."""
    return MismatchError(
        f"Another run began before this one's call {call + 1}, or the scheduler's state was put "
        "back, but a denoiser follows one run at a time.",
        remedy="Run no pipeline inside its own callback, and none in two threads. Apply to a "
        "pipeline that inverts pictures after invert; a panorama needs a sampler without state "
        "(DDIM).",
    )
