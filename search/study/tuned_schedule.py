"""What a tuning made of a trial's schedule."""

from __future__ import annotations

from dataclasses import dataclass

from dato import Schedule
from search.records.base_sampler import Base


@dataclass(frozen=True)
class TunedSchedule:
    """What a tuning made of a trial's schedule.

    Args:
        schedule: with the tuned sampler; ``base``: what it runs on.
        better: whether it came nearer to the unpatched images than the schedule before.
        calls: of the denoiser, for one image, that the tuning took.
        seconds: of the tuning.
    """

    schedule: Schedule
    base: Base
    better: bool
    calls: float
    seconds: float
