"""Settings that say how latency is measured."""

from __future__ import annotations

from pydantic import Field

from search.settings.base import Location, Settings


class LatencySettings(Settings):
    """How latency is measured.

    Args:
        repeats: interleaved repeats of each measured quantity.
        budget_s: seconds after which measuring a cost table ends, once each kind was measured.
        check_schedules: random schedules timed end to end to learn the cost table's error.
        tables: files that ``dato-search cost-table`` wrote. The one for this device, dtype and
            batch is used in place of a measurement; the report prices the front with the others.
    """

    repeats: int = Field(ge=1)
    budget_s: float = Field(gt=0)
    check_schedules: int = Field(ge=0)
    tables: tuple[Location, ...] = ()
