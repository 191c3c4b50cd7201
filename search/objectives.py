"""The metrics that a study may minimise or show, each with its unit and direction."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Metric:
    """One number that describes a schedule.

    Args:
        name: field name in the records.
        label: name for people.
        unit: physical unit; empty for a pure number.
        lower_is_better: direction.
    """

    name: str
    label: str
    unit: str
    lower_is_better: bool

    @property
    def heading(self) -> str:
        """Label and unit, such as ``"latency (s/image)"``."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


FID_REAL = Metric("fid_real", "FID to real images", "", True)
FID_REFERENCE = Metric("fid_reference", "FID to the unpatched model", "", True)
DISTANCE = Metric("distance", "latent distance to the unpatched model", "", True)
LATENCY = Metric("latency_s", "latency", "s/image", True)
SPEEDUP = Metric("speedup", "speed-up", "x", False)

METRICS = MappingProxyType(
    {metric.name: metric for metric in (FID_REAL, FID_REFERENCE, DISTANCE, LATENCY, SPEEDUP)}
)
