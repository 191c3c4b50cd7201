"""A recorded study's audited members as the tables of its README and of the project's.

python -m experiments.study.tables
python -m experiments.study.tables --model pocket-flow
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dato import Schedule
from experiments.command import command
from experiments.difference import difference
from experiments.study.recorded import RECORDED, recorded, shipped_trials
from experiments.study.tunings import tuned
from experiments.study.words import plain_run, words
from search.metrics import FID_REAL_BOUND
from search.records.front import FrontMember, Timing
from search.records.quality import Quality
from search.records.result import StudyResult
from search.records.rival import Rival


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--model", choices=RECORDED, default="pocket")
    model = parser.parse_args().model
    result, presets = recorded(model), shipped_trials(model)
    print(shipped(result, presets))
    print(audited(result, presets))
    print(tuned(result))


@dataclass(frozen=True)
class Line:
    """What was measured of a member or a rival on held-out images; rivals have no intervals."""

    name: str
    speedup: float
    timing: Timing
    quality: Quality
    interval: tuple[float, float] | None = None
    psnr: float | None = None
    schedule: Schedule | None = None


def audited(result: StudyResult, presets: Mapping[int, str]) -> str:
    """Members and rivals that were judged on held-out images, the slowest first, in Markdown.

    Args:
        presets: names of the shipped ones by their trials.
    """
    base = _unpatched(result)
    assert result.baseline is not None and result.baseline.timing is not None
    lines = [
        "| | speed-up | ms per image | FID to real (90 % interval) "
        "| difference to unpatched (95 % bound) | FID to unpatched | PSNR | schedule |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
        f"| unpatched | 1.00x | {1000 * result.baseline.timing.latency_s:.0f} | "
        f"{_ranged(base.fid_real, result.baseline.interval)} | | 0 | | all full |",
        *(_row(line, base) for line in _lines(result, presets)),
    ]
    return "\n".join(lines) + "\n"


def shipped(result: StudyResult, presets: Mapping[int, str]) -> str:
    """The README's table of the presets, in Markdown."""
    base = _unpatched(result)
    lines = [
        f"| preset | speed-up | ms per image | FID to real (unpatched {base.fid_real:.2f}) "
        "| FID to unpatched | PSNR | schedule |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for line in _lines(result, presets):
        if line.name.startswith("`"):
            cells = (
                line.name,
                f"{line.speedup:.2f}x",
                f"{1000 * line.timing.latency_s:.0f}",
                f"{line.quality.fid_real:.2f}",
                f"{line.quality.fid_reference:.4f}",
                _decibels(line),
                words(line.schedule),
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _unpatched(result: StudyResult) -> Quality:
    base = result.baseline
    assert base is not None and base.heldout is not None
    return base.heldout


def _lines(result: StudyResult, presets: Mapping[int, str]) -> list[Line]:
    members = [_member(member, presets) for member in result.front if member.audit is not None]
    rivals = [_rival(rival) for rival in result.rivals if rival.heldout is not None]
    return sorted([*members, *rivals], key=lambda line: line.speedup)


def _member(member: FrontMember, presets: Mapping[int, str]) -> Line:
    preset = presets.get(member.record.number)
    assert member.timed_speedup and member.timing and member.heldout and member.audit
    return Line(
        f"`{preset}`" if preset else member.name,
        member.timed_speedup,
        member.timing,
        member.heldout,
        member.interval,
        member.audit.psnr,
        member.record.schedule,
    )


def _rival(rival: Rival) -> Line:
    assert rival.timed_speedup and rival.timing and rival.heldout
    return Line(plain_run(rival), rival.timed_speedup, rival.timing, rival.heldout)


def _row(line: Line, base: Quality) -> str:
    fid, bound = line.quality.fid_real, line.quality.metrics[FID_REAL_BOUND]
    cells = (
        line.name,
        f"{line.speedup:.2f}x",
        f"{1000 * line.timing.latency_s:.0f}",
        _ranged(fid, line.interval),
        difference(fid / base.fid_real - 1, bound / base.fid_real - 1),
        f"{line.quality.fid_reference:.4f}",
        _decibels(line),
        words(line.schedule),
    )
    return f"| {' | '.join(cells)} |"


def _ranged(fid: float, interval: tuple[float, float] | None) -> str:
    return f"{fid:.2f}" + ("" if interval is None else " ({:.2f} to {:.2f})".format(*interval))


def _decibels(line: Line) -> str:
    return "" if line.psnr is None else f"{line.psnr:.1f}"


if __name__ == "__main__":
    main()
