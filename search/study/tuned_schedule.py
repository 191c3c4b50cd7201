"""What a tuning made of a trial's schedule, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass

from dato import Schedule
from search.records.base_sampler import Base

BACKWARD = 4
"""What a call costs on both ways, in calls without gradients: it is computed, computed again on the
way back, and differentiated at about the cost of two (measured on pocket: 4.2)."""


@dataclass(frozen=True)
class TunedSchedule:
    """What a tuning made of a trial's schedule.

    Args:
        schedule: with the tuned sampler; ``base``: what it runs on.
        better: whether it came nearer to the unpatched images than the schedule before.
        aims: images of the unpatched model that it was tuned towards.
        runs: images that were denoised with gradients; ``looks``: without.
        seconds: of the tuning.
    """

    schedule: Schedule
    base: Base
    better: bool
    aims: int
    runs: int
    looks: int
    seconds: float

    def cost(self, speedup: float) -> float:
        """Of the tuning, in images of the unpatched model.

        Args:
            speedup: of a run of the tuned schedule.
        """
        return self.aims + (BACKWARD * self.runs + self.looks) / speedup
