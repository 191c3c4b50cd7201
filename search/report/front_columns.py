"""The front as lines and columns: the same in a terminal and on the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from search.metrics import Metric, metric
from search.records.front import FrontMember
from search.records.members import member_interval, member_latency, member_speedup
from search.records.progress import metric_value
from search.records.quality import Quality
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.records.rival import Rival
from search.records.rivals import dominating_rival
from search.records.schedule_text import brief_calls
from search.report.cells import brackets, metric_text, number

Text = Callable[[FrontMember], str]


def _no_interval(member: FrontMember) -> str:
    return ""


@dataclass(frozen=True)
class Column:
    """What is said of each line.

    Args:
        title: the quantity; ``images``: what it was measured on, such as ``"256 held-out"``.
        value: of a line; ``interval``: its 90 % interval in brackets, or ``""``.
        keep: columns of smaller numbers give way first where there is little room; 9 never does.
    """

    title: str
    images: str
    value: Text
    interval: Text = _no_interval
    keep: int = 9

    def text(self, member: FrontMember) -> str:
        """The cell of a line."""
        return f"{self.value(member)} {self.interval(member)}".rstrip()

    @property
    def brief(self) -> Column:
        """The column without intervals."""
        return replace(self, interval=_no_interval)


@dataclass(frozen=True)
class Line:
    """One line: the unpatched pipeline, a member of the front, or a rival as such a member.

    Args:
        calls: what its calls do. ``better``: what is no slower and no worse, or ``""``.
    """

    member: FrontMember
    calls: str
    rival: bool = False
    better: str = ""


def front_lines(result: StudyResult) -> tuple[Line, ...]:
    """The unpatched pipeline if it is known, the front, slowest first, then its rivals."""
    members = (*([result.baseline] if result.baseline else []), *result.front)
    lines = [
        Line(member, brief_calls(member.record), better=_better(member, result))
        for member in members
    ]
    rivals = [Line(_as_member(rival), f"{rival.calls} full", rival=True) for rival in result.rivals]
    return (*lines, *rivals)


def front_columns(result: StudyResult) -> tuple[Column, ...]:
    """The columns that have something to say, the study's own metric first.

    Searched and held-out values stand under headings that say of which images they are: FIDs of
    different counts never compare. Latency and speed-up are timed where that was done; where only
    some lines were, a tilde marks the cost table's.
    """
    members = [line.member for line in front_lines(result)]
    searched = _images([member.record.quality for member in members], "images")
    heldout = _images([member.heldout for member in members], "held-out")
    asked, real = metric(result.objective), metric("fid_real")
    columns = [_searched(asked, searched), _heldout(asked, heldout)]
    if asked.name != real.name:
        columns += [_searched(real, searched, keep=2), _heldout(real, heldout)]
    others = [each for each in further_metrics(result) if each.name not in (asked.name, real.name)]
    columns += [_searched(each, searched, keep=1) for each in others]
    columns = [each for each in columns if any(_said(each.value(member)) for member in members)]
    return (*columns, *_times(result, members))


def further_metrics(result: StudyResult) -> tuple[Metric, ...]:
    """The metrics of the front's members besides the FIDs; the FID to the unpatched images too,
    where the study minimised another metric."""
    qualities = [member.record.quality for member in result.front]
    names = dict.fromkeys(name for quality in qualities if quality for name in quality.metrics)
    return (metric("fid_reference"), *map(metric, names))


def other_devices(result: StudyResult) -> tuple[str, ...]:
    """The other devices for which the front was priced."""
    return tuple(dict.fromkeys(name for member in result.front for name in member.elsewhere))


def _searched(asked: Metric, images: str, keep: int = 9) -> Column:
    def text(member: FrontMember) -> str:
        return metric_text(metric_value(member.record.quality, asked.name), asked)

    return Column(asked.short, images, text, keep=keep)


def _heldout(asked: Metric, images: str) -> Column:
    def value(member: FrontMember) -> str:
        return metric_text(metric_value(member.heldout, asked.name), asked)

    def interval(member: FrontMember) -> str:
        ends = None if member.heldout is None else member_interval(member, asked.name)
        return brackets(ends)

    return Column(asked.short, images, value, interval)


def _times(result: StudyResult, members: list[FrontMember]) -> tuple[Column, ...]:
    mixed = len({member.timing is None for member in members}) == 2

    def priced(member: FrontMember) -> str:
        return "~" if mixed and member.timing is None else ""

    def latency(member: FrontMember) -> str:
        seconds = member_latency(member)
        return priced(member) + number(None if seconds is None else 1000 * seconds, ".0f")

    def speedup(member: FrontMember) -> str:
        return priced(member) + number(member_speedup(member), ".2f", "x")

    def elsewhere(name: str) -> Text:
        return lambda member: number(member.elsewhere.get(name), ".2f", "x")

    devices = [(name, elsewhere(name)) for name in other_devices(result)]
    return (
        Column("speed-up", "", speedup),
        Column("ms/image", "", latency, keep=3),
        *(Column("speed-up", f"on {name}", text) for name, text in devices),
    )


def _images(qualities: list[Quality | None], kind: str) -> str:
    known = next((quality for quality in qualities if quality is not None), None)
    return f"0 {kind}" if known is None else known.images_text(kind)


def _said(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _better(member: FrontMember, result: StudyResult) -> str:
    rival = dominating_rival(member, result)
    if rival is not None:
        return rival.name
    return member.audit.beaten_by if member.audit else ""


def _as_member(rival: Rival) -> FrontMember:
    """A rival as the other lines are."""
    record = TrialRecord(
        0, "complete", "baseline", {}, latency_s=rival.latency_s, speedup=rival.priced_speedup,
        quality=rival.quality,
    )  # fmt: skip
    return FrontMember(
        rival.name,
        record,
        heldout=rival.heldout,
        timing=rival.timing,
        timed_speedup=rival.timed_speedup,
    )
