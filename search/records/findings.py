"""What a study found, in sentences."""

from __future__ import annotations

from search.metrics import WORSE, metric
from search.records.members import member_speedup, no_worse, worse_by
from search.records.record import FrontMember, Rival, StudyResult
from search.records.rivals import best_rivals, dominating_rival, gain


def findings(result: StudyResult) -> tuple[str, ...]:
    """What the study found: how much faster it got, what that costs, whether fewer steps would have
    done as well, and what it took to know that."""
    if not result.front:
        return ("Nothing was found: the front is empty.",)
    beside = beside_fewer_steps(headline_member(result), result)
    told = [_speed(result), beside, _dominated(result), _spent(result)]
    return tuple(sentence for sentence in told if sentence)


def headline_member(result: StudyResult) -> FrontMember:
    """The fastest member whose FID to real images is no worse than the unpatched one, if there are
    any of those that no rival dominates; else the one that gains most over fewer steps, or the
    fastest. The front must not be empty."""
    base = result.baseline
    kept = [member for member in result.front if base is not None and no_worse(member, base)]
    kept = [member for member in kept if dominating_rival(member, result) is None] or kept
    if kept:
        return max(kept, key=lambda member: member_speedup(member) or 0.0)
    gains = {member.name: gain(member, result) for member in result.front}
    return max(
        result.front,
        key=lambda member: (
            found.times if (found := gains[member.name]) else 0.0,
            member_speedup(member) or 0.0,
        ),
    )


def dominated(result: StudyResult) -> tuple[tuple[FrontMember, Rival], ...]:
    """The members that a rival dominates, each with that rival."""
    return tuple(
        (member, rival)
        for member in result.front
        if (rival := dominating_rival(member, result)) is not None
    )


def _speed(result: StudyResult) -> str:
    member, base = headline_member(result), result.baseline
    times = f"{member_speedup(member) or 1.0:.1f} times faster than the unpatched model"
    found = None if base is None else worse_by(member, base)
    if base is None or found is None or member.heldout is None:
        return f"{member.name} makes images {times}; its FID to real images was not audited."
    worse, bound = found
    images = f"on {member.heldout.images} held-out images"
    if no_worse(member, base):
        return (
            f"{member.name} makes images {times} at no worse FID to real images "
            f"({worse:+.1%}, at most {bound:+.1%}, {images})."
        )
    return (
        f"{member.name} makes images {times}; its FID to real images is {worse:+.1%} off the "
        f"unpatched one, and may be {bound:+.1%} ({images}). No preset is within {WORSE:.1%} for "
        "certain."
    )


def beside_fewer_steps(member: FrontMember, result: StudyResult) -> str:
    """How a member compares with the rivals; ``""`` where none was measured."""
    found = gain(member, result)
    if found is None:
        return ""
    names = "; ".join(rival.name for rival in best_rivals(result.rivals, result.objective))
    return (
        f"{member.name} is {found} times as fast as fewer steps at the same "
        f"{metric(result.objective).title} (the best: {names})."
    )


def _dominated(result: StudyResult) -> str:
    found = dominated(result)
    if not found:
        return ""
    pairs = ", ".join(f"{member.name} by {rival.name}" for member, rival in found[:3])
    more = "" if len(found) <= 3 else f" and {len(found) - 3} more"
    return (
        f"Fewer steps are no slower and no worse than {len(found)} of {len(result.front)} members "
        f"of the front ({pairs}{more}); export.dominated=true makes them presets all the same."
    )


def _spent(result: StudyResult) -> str:
    rivals = sum(rival.seconds for rival in result.rivals)
    if not rivals:
        return ""
    trials = sum(record.seconds for record in result.records)
    return f"The trials took {trials / 60:.1f} minutes, the rivals {rivals / 60:.1f}."
