"""What a method reports of one trial."""

from __future__ import annotations

from dataclasses import dataclass

from dato import Schedule


@dataclass(frozen=True)
class Seen:
    """One trial.

    Args:
        fid: as the method measured it; ``None`` where it stopped early.
        spent: what the method had cost after it, in unpatched images.
        origin: who proposed it. stage: FIDs of different stages are not compared.
    """

    schedule: Schedule
    fid: float | None
    spent: float
    origin: str
    stage: int = 0
