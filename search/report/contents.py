"""The page's words and numbers: headline, table rows, failures, settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from search.metrics import metric
from search.records.findings import dominated
from search.records.front import FrontMember
from search.records.headline import headline
from search.records.headline_text import compares_real, headline_text
from search.records.knee import at_knee, scored
from search.records.members import member_interval, member_latency, member_speedup
from search.records.progress import metric_value
from search.records.result import StudyResult
from search.records.rivals import gain
from search.records.schedule_text import calls_of
from search.report.cells import MISSING, TIMES


@dataclass(frozen=True)
class Number:
    """One headline number, its unit, and what it means."""

    value: str
    unit: str
    label: str
    note: str


@dataclass(frozen=True)
class Row:
    """One schedule of the page. ``None`` means that nothing was measured."""

    name: str
    trial: int
    fid: float | None
    heldout: float | None
    interval: tuple[float, float] | None
    latency_ms: float | None
    speedup: float | None
    timed: bool
    calls: str
    params: Mapping[str, int | float | str]


def numbers(result: StudyResult) -> tuple[Number, ...]:
    """The numbers that a reader looks for first."""
    states: Counter[str] = Counter(record.outcome for record in result.records)
    counts = [
        f"{states[state]} {word}"
        for state, word in (("complete", "complete"), ("pruned", "stopped early"),
                            ("fail", "failed"), ("interrupted", "interrupted and run again"),
                            ("running", "still running"))
        if states[state]
    ]  # fmt: skip
    shown = [
        _speedup_number(result),
        *_gain_number(result),
        Number(str(len(result.front)), "", "presets on the front", _fastest(result)),
        Number(str(sum(not each.lost for each in result.records)), "", "trials", ", ".join(counts)),
    ]
    if result.cost_table_error is not None:
        error = f"{100 * result.cost_table_error:.1f}"
        note = "mean error of predicted against end-to-end latency"
        if result.cost_table_worst is not None:
            note += f", at worst {100 * result.cost_table_worst:.1f} %"
        shown.append(Number(error, "%", "cost table error", note))
    if result.damage_rank is not None:
        note = "Spearman correlation of predicted damage and FID over the trials"
        shown.append(Number(f"{result.damage_rank:.2f}", "", "rank of predicted damage", note))
    return tuple(shown)


def _speedup_number(result: StudyResult) -> Number:
    first = headline(result)
    shown, label = first.member, "faster at no worse FID"
    if not compares_real(result) and first.nearest is not None:
        shown, label = first.nearest, "faster"
    value, unit = (MISSING, "") if shown is None else (f"{member_speedup(shown):.1f}", TIMES)
    return Number(value, unit, label, headline_text(result))


def _gain_number(result: StudyResult) -> list[Number]:
    """How much faster than fewer steps the headline's preset is; nothing where it is not, or where
    no rival was measured."""
    member = headline(result).subject
    over = None if member is None else gain(member, result)
    if member is None or over is None or not over.quotable:
        return []
    label = "as fast as fewer steps at the same " + metric(result.objective).label
    note = f"{member.name} beside the best of {len(result.rivals)} rivals: {over.beside}"
    if lost := dominated(result):
        note += f"; a rival dominates {len(lost)} of {len(result.front)} presets"
    least = "\N{GREATER-THAN OR EQUAL TO}" if over.least else ""
    return [Number(f"{least}{over.times:.1f}", TIMES, label, note)]


def _fastest(result: StudyResult) -> str:
    speedups = [speedup for m in result.front if (speedup := member_speedup(m)) is not None]
    return f"up to {max(speedups):.1f}{TIMES} faster" if speedups else "no trial completed"


def rows(result: StudyResult) -> tuple[Row, ...]:
    """The unpatched pipeline if it is known, then the front, slowest first."""
    first = [] if result.baseline is None else [result.baseline]
    return tuple(_row(member, result.objective) for member in (*first, *result.front))


def _row(member: FrontMember, objective: str) -> Row:
    latency = member_latency(member)
    return Row(
        name=member.name,
        trial=member.record.number,
        fid=metric_value(member.record.quality, objective),
        heldout=metric_value(member.heldout, objective),
        interval=member_interval(member, objective),
        latency_ms=None if latency is None else 1000 * latency,
        speedup=member_speedup(member),
        timed=member.timed_speedup is not None,
        calls=calls_of(member.record),
        params=member.record.params,
    )


def shown_first(result: StudyResult, seen: Collection[str]) -> str:
    """Name of the member that the page shows first; ``""`` without a front. It is the headline's if
    it has images, else the knee of the members with images, or of the front if none has any."""
    subject = headline(result).subject
    if subject is not None and (not seen or subject.name in seen):
        return subject.name
    pictured = [member for member in result.front if not seen or member.name in seen]
    middle = at_knee(scored(pictured, result.objective))
    return "" if middle is None else middle.name


def failures(result: StudyResult) -> Sequence[tuple[str, int, int]]:
    """(reason, trials, first trial number) of the failed trials, most frequent first."""
    failed = [record for record in result.records if record.outcome == "fail"]
    counts = Counter(record.reason or "no reason recorded" for record in failed)
    first = {record.reason or "no reason recorded": record.number for record in reversed(failed)}
    return [(reason, count, first[reason]) for reason, count in counts.most_common()]


def flatten(config: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(dotted key, value) of nested settings, in their own order."""
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{name}.")
        else:
            yield name, MISSING if value is None else str(value)
