"""How a recorded study's search-time numbers stood its audit.

python -m experiments.study.audited experiments/study/per_call
"""

from __future__ import annotations

import statistics
from collections import Counter
from pathlib import Path

from experiments.command import command
from search.records.files import result_from_json
from search.records.front import FrontMember
from search.records.result import StudyResult

HEAD = (
    "| timed | searched FID | as many held-out images, 90 % | off | outside, of the width | all |",
    "|---:|---:|---:|---:|---:|---:|",
)


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("folder", type=Path, help="holds trials.json and front.json")
    folder = parser.parse_args().folder
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("trials.json", "front.json")]
    print(summary(result_from_json(*texts)))


def summary(result: StudyResult) -> str:
    """Searched against audited FIDs to the unpatched images, priced against timed speed-ups."""
    members = [member for member in result.front if member.audit is not None]
    states = Counter(record.state for record in result.records)
    minutes = sum(record.seconds for record in result.records) / 60
    errors = [abs(_priced(member) / _timed(member) - 1) for member in members]
    inside = sum(_outside(member) == 0 for member in members)
    lines = [
        f"{len(result.records)} trials, {dict(states)}, {minutes:.0f} minutes",
        f"{len(members)} of {len(result.front)} front members audited",
        f"rank of predicted damage {result.damage_rank:.3f}" if result.damage_rank else "",
        f"speed-ups, priced against timed: error {statistics.median(errors):.1%} in the median, "
        f"{max(errors):.1%} at worst",
        f"{inside} searched FIDs within their interval",
        *HEAD,
        *map(_row, members),
    ]
    return "\n".join(filter(None, lines))


def _row(member: FrontMember) -> str:
    assert member.audit is not None and member.audit.matched_fid is not None
    assert member.heldout is not None
    low, high = _ends(member)
    searched, matched = _searched(member), member.audit.matched_fid
    return (
        f"| {_timed(member):.2f}x | {searched:.3g} | {matched:.3g} ({low:.3g} to {high:.3g}) "
        f"| {matched - searched:+.3g} | {_outside(member):.1%} "
        f"| {member.heldout.fid_reference:.3g} |"
    )


def _outside(member: FrontMember) -> float:
    """By what share of its width a searched FID misses its interval; 0 inside."""
    low, high = _ends(member)
    searched = _searched(member)
    return max(searched - high, low - searched, 0.0) / (high - low)


def _ends(member: FrontMember) -> tuple[float, float]:
    assert member.audit is not None and member.audit.matched_interval is not None
    return member.audit.matched_interval


def _searched(member: FrontMember) -> float:
    assert member.record.quality is not None
    assert member.record.quality.fid_reference is not None
    return member.record.quality.fid_reference


def _priced(member: FrontMember) -> float:
    assert member.record.speedup is not None
    return member.record.speedup


def _timed(member: FrontMember) -> float:
    assert member.timed_speedup is not None
    return member.timed_speedup


if __name__ == "__main__":
    main()
