"""What the calls of a schedule do, in plain words."""

from __future__ import annotations

from dato.preset.info import FidTo, Measured, Prompts, SamplerInfo
from dato.schedule import Forecast, Kind, Quantity, Schedule
from dato.slope import LINE, Slope

FORECASTS: dict[Forecast, str] = {
    "hold": "reused",
    "linear": "forecast linearly",
    "fitted": "forecast with fitted weights",
}
"""What becomes of a held value."""

QUANTITIES: dict[Quantity, str] = {
    "epsilon": "what lets the sampler take a longer step, such as the predicted {predicted}",
    "output": "what the denoiser returned",
}

FIDS: dict[FidTo, str] = {
    "real": "FID to real images",
    "unpatched": "FID to the unpatched model's images",
    "": "FID",
}

PROMPTS: dict[Prompts, str] = {
    "held-out": " of held-out prompts",
    "searched": " of the search's prompts",
    "": "",
}


def sampler_words(sampler: SamplerInfo) -> str:
    """The scheduler's name, and its settings and timesteps where the preset names some."""
    settings = [f"{name}={value}" for name, value in sampler.settings.items()]
    if sampler.timesteps:
        settings.append(f"timesteps {' '.join(f'{each:.5g}' for each in sampler.timesteps)}")
    return f"{sampler.scheduler} ({', '.join(settings)})" if settings else sampler.scheduler


def guidance_words(sampler: SamplerInfo) -> str:
    """The guidance scale, and those around it that the preset was tuned for as well."""
    words = f"guidance {sampler.guidance_scale:g}"
    if sampler.guidance_range is None:
        return words
    low, high = sampler.guidance_range
    return f"{words} (tuned for {low:g} to {high:g})"


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


def holds(schedule: Schedule, sampler: SamplerInfo) -> str:
    """A sentence about held outputs; empty where no call stands on one."""
    if all(kind.depth != 0 for kind in schedule.kinds.values()):
        return ""
    held = QUANTITIES[schedule.quantity].format(
        predicted="velocity" if _flows(sampler) else "noise"
    )
    return f"An output is held as {held}."


def _flows(sampler: SamplerInfo) -> bool:
    """Whether a sampler is one of flow matching, whose models predict the velocity."""
    named = sampler.scheduler.startswith("FlowMatch")
    return named or sampler.settings.get("prediction_type") == "flow_prediction"


def slopes(slope: Slope) -> str:
    """How far along their line forecasts go, such as ``"slopes 0.4 to 1.6"``; empty for all the
    way."""
    if slope == LINE:
        return ""
    early, late = f"{slope.early:.3g}", f"{slope.late:.3g}"
    return f"slope {early}" if early == late else f"slopes {early} to {late}"


def sloped(schedule: Schedule) -> str:
    """A sentence about slopes; empty where lines go all the way."""
    words = slopes(schedule.slope)
    return words and (
        f"Linear forecasts of outputs have {words} over the run: the share of the way from the "
        "last output to the straight line."
    )


def tuned(schedule: Schedule) -> str:
    """A sentence about a tuned sampler; empty where there is none."""
    if schedule.tuned is None:
        return ""
    timesteps = ", ".join(f"{each:.5g}" for each in schedule.tuned.timesteps)
    return (
        f"A tuned sampler takes the place of the scheduler's steps: its {schedule.calls} calls are "
        f"at the timesteps {timesteps}."
    )


def sentences(schedule: Schedule, sampler: SamplerInfo) -> tuple[str, ...]:
    """What the table of kinds does not say: how outputs are held, slopes, and a tuned sampler."""
    said = holds(schedule, sampler), sloped(schedule), tuned(schedule)
    return tuple(sentence for sentence in said if sentence)


def measured_images(measured: Measured) -> str:
    """How many images an FID is of, and of which prompts: ``"256 images of held-out prompts"``, or
    of how many where those are fewer: ``"64 images of 3 held-out prompts"``."""
    count = measured.prompt_count
    if not 0 < count < measured.images:
        return f"{measured.images} images{PROMPTS[measured.prompts]}"
    kind = f"{measured.prompts} prompt".lstrip()
    return f"{measured.images} images of {count} {kind}{'' if count == 1 else 's'}"


def measured_fid(measured: Measured) -> str:
    """Both FIDs, and what they are: ``"FID to real images 3.42 (pocket features, 256 images),
    unpatched 3.37"``."""
    basis = [f"{measured.features} features"] if measured.features else []
    basis.append(measured_images(measured))
    return (
        f"{FIDS[measured.fid_to]} {measured.fid:.4g} ({', '.join(basis)}), "
        f"unpatched {measured.baseline_fid:.4g}"
    )
