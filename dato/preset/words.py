"""What the calls of a schedule do, in plain words."""

from __future__ import annotations

from dato.preset.info import SamplerInfo
from dato.schedule import Forecast, Kind, Quantity, Schedule

FORECASTS: dict[Forecast, str] = {
    "hold": "reused",
    "linear": "forecast linearly",
    "fitted": "forecast with fitted weights",
}
"""What becomes of a held value."""

QUANTITIES: dict[Quantity, str] = {
    "epsilon": "what lets the sampler take a longer step, such as the predicted noise",
    "output": "what the denoiser returned",
}


def sampler_words(sampler: SamplerInfo) -> str:
    """The scheduler's name, and its settings where the preset names some."""
    settings = [f"{name}={value}" for name, value in sampler.settings.items()]
    return f"{sampler.scheduler} ({', '.join(settings)})" if settings else sampler.scheduler


def recomputes(kind: Kind) -> str:
    """How much of the denoiser a call runs."""
    if kind.depth == "full":
        return "everything"
    if kind.depth == 0:
        return "nothing"
    return "1 skip branch" if kind.depth == 1 else f"{kind.depth} skip branches"


def rest(kind: Kind) -> str:
    """What becomes of that which a call does not recompute."""
    return "" if kind.depth == "full" else FORECASTS[kind.forecast]


def prunes(kind: Kind) -> str:
    """Ratios by layer or level."""
    ratios = [f"{layer} {ratio:g}" for layer, ratio in kind.prune.items() if ratio]
    return ", ".join(ratios) or "nothing"


def holds(schedule: Schedule) -> str:
    """A sentence about held outputs; empty where no call stands on one."""
    if all(kind.depth != 0 for kind in schedule.kinds.values()):
        return ""
    return f"An output is held as {QUANTITIES[schedule.quantity]}."
