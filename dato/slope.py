"""How far along their straight line the forecasts of a schedule go. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from dato.errors import SlopeError

STEEPEST = 4.0
"""The steepest slope, either way: beyond it a forecast has little to do with what was computed."""


@dataclass(frozen=True)
class Slope:
    """Shares of the way from the newest value to the straight line, between -4 and 4.

    1 is the line and 0 holds the newest value. A line over the timesteps bends the wrong way where
    noise changes faster and faster, and at a high guidance scale it goes too far.

    Args:
        early: at the first call of a run.
        late: at the last one; in between the share changes evenly.

    Raises:
        SlopeError: a share is no number in this range.
    """

    early: float = 1.0
    late: float = 1.0

    def __post_init__(self) -> None:
        for name, share in vars(self).items():
            if not abs(share) <= STEEPEST:  # NaN too
                raise SlopeError(
                    f"The slope {name}={share!r} is no number from {-STEEPEST:g} to {STEEPEST:g}.",
                    remedy="Use 1 for the straight line, or 0 to hold.",
                )

    def at(self, call: int, calls: int) -> float:
        """The share at number ``call`` (from 0) of a run of ``calls`` calls."""
        return self.early + (self.late - self.early) * call / max(calls - 1, 1)


LINE = Slope()
"""The straight line itself."""
