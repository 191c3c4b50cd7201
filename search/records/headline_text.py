"""The headline in words, and what is known of one preset."""

from __future__ import annotations

from collections.abc import Mapping

from search.metrics import WORSE, metric
from search.records.front import FrontMember
from search.records.headline import Headline, headline
from search.records.members import member_speedup, worse_by
from search.records.progress import metric_value
from search.records.result import StudyResult
from search.records.rivals import dominating_rival

LOOK = "Run dato-search generate --compare to see its images beside the unpatched ones."
ANOTHER = "another setting (more steps, another space, a larger budget.trials)"


def headline_text(result: StudyResult) -> str:
    """What the fastest good preset is worth; where there is none, that, what is nearest to one, and
    what to do."""
    first = headline(result)
    if first.member is not None:
        return preset_text(first.member, result)
    if first.nearest is None:
        return _nothing(first, result)
    if not compares_real(result):
        return f"{preset_text(first.nearest, result)} {LOOK}"
    return " ".join(
        [_why(first.nearest, result), preset_text(first.nearest, result), _remedy(first, result)]
    )


def preset_text(member: FrontMember, result: StudyResult) -> str:
    """What is known of a member: how much faster it is, and whether it is no worse."""
    times = f"{member_speedup(member) or 1.0:.1f} times faster than the unpatched model"
    if member.timed_speedup is None:
        return f"{member.name} is predicted to be {times}; it was not timed."
    text = f"{member.name} makes images {times}"
    if member.heldout is None:
        return f"{text}; its images were not audited."
    images = f"on {member.heldout.images_text('held-out images')}"
    worse = worse_by(member, result.baseline)
    if worse is None:
        value, asked = member.heldout.value(result.objective), metric(result.objective)
        known = "was not measured" if value is None else f"is {value:.4g}"
        return f"{text}; its {asked.title} {known} {images}."
    if worse.allowed:
        return f"{text} at no worse FID to real images: {worse}, {images}."
    return f"{text}; its FID to real images is {worse} {images}, and the limit is {WORSE:.1%}."


def compares_real(result: StudyResult) -> bool:
    """Whether a study compares with real images: only then anything is said about them."""
    settings, base = result.config.get("quality"), result.baseline
    if isinstance(settings, Mapping) and settings.get("real", "none") != "none":
        return True
    known = () if base is None else (base.heldout, base.record.quality)
    return any(metric_value(quality, "fid_real") is not None for quality in known)


def _why(nearest: FrontMember, result: StudyResult) -> str:
    if worse_by(nearest, result.baseline) is not None:
        return (
            "No preset is shown to be no worse than the unpatched model; "
            f"{nearest.name} is nearest."
        )
    return "Whether a preset is no worse than the unpatched model by real images is not known."


def _nothing(first: Headline, result: StudyResult) -> str:
    """Why not even one preset is near, and what to do."""
    if first.lack == "front":
        return f"Nothing was found: the front is empty. Try {ANOTHER}."
    if first.lack == "audit":
        return (
            "No preset was both audited and timed, so none is known to be good. Run "
            "dato-search audit on the study folder."
        )
    rivals = (dominating_rival(member, result) for member in result.front)
    names = ", ".join(dict.fromkeys(f"{rival.name!r}" for rival in rivals if rival is not None))
    return (
        f"Fewer steps ({names}) are no slower and no worse than every audited preset. Use those, "
        f"or try {ANOTHER}."
    )


def _remedy(first: Headline, result: StudyResult) -> str:
    worse = None if first.nearest is None else worse_by(first.nearest, result.baseline)
    base = result.baseline
    if worse is None and base is not None and metric_value(base.heldout, "fid_real") is not None:
        return "An older version audited it without a bound: run dato-search audit again."
    if worse is None:
        return "Set quality.real to a folder of real images, and start a new study."
    if worse.estimate < WORSE:
        return "More images may show that it is: run dato-search audit with a larger --images."
    return f"Try {ANOTHER}."
