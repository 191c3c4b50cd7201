"""A front in a terminal: one row for each preset."""

from __future__ import annotations

from collections.abc import Mapping

from rich.markup import escape
from rich.table import Table

from search.metrics import Metric, metric
from search.records.members import member_latency, member_speedup
from search.records.progress import metric_value
from search.records.record import FrontMember, Rival, StudyResult, TrialRecord
from search.records.rivals import dominating_rival
from search.records.schedule_text import calls_of
from search.report.cells import metric_text, number, significant, with_interval

MARK = "\N{WHITE CIRCLE}"
"""Before the name of a rival."""


READING = "Compare each line with the unpatched one: a lower FID is better, within this table only."


def front_table(result: StudyResult) -> Table:
    """The front, slowest first, under the unpatched pipeline.

    Both FIDs are those of the search, all of the same images. An audit adds the FID to real
    images on held-out prompts, with its 90 % interval. Latency and speed-up are timed end to end
    where that was done; else they are the cost table's, which a tilde marks. The rivals stand below
    the front.
    """
    members = (*([result.baseline] if result.baseline else []), *result.front)
    rivals = [_as_member(rival) for rival in result.rivals]
    real = any(metric_value(member.record.quality, "fid_real") is not None for member in members)
    heldout = any(metric_value(member.heldout, "fid_real") is not None for member in members)
    mixed = len({member.timing is None for member in (*members, *rivals)}) == 2
    table = Table(title=f"Front of {escape(result.name)}", title_justify="left")
    table.add_column("preset", no_wrap=True)
    columns = ["FID to ref.", *(["to real"] if real else [])]
    columns += ["held-out, to real"] if heldout else []
    devices = other_devices(result)
    more = further_metrics(result)
    columns += [escape(each.short) for each in more]
    for column in (*columns, "ms/image", "speed-up", *(f"on {escape(name)}" for name in devices)):
        table.add_column(column, justify="right")
    table.add_column("calls")

    def add(member: FrontMember, calls: str) -> None:
        latency = member_latency(member)
        priced = "~" if mixed and member.timing is None else ""
        table.add_row(
            escape(member.name),
            significant(metric_value(member.record.quality, "fid_reference")),
            *([significant(metric_value(member.record.quality, "fid_real"))] if real else []),
            *(
                [with_interval(metric_value(member.heldout, "fid_real"), member.interval)]
                if heldout
                else []
            ),
            *(metric_text(metric_value(member.record.quality, x.name), x) for x in more),
            priced + number(None if latency is None else 1000 * latency, ".0f"),
            priced + number(member_speedup(member), ".2f", "x"),
            *(number(member.elsewhere.get(name), ".2f", "x") for name in devices),
            calls,
        )

    for member in members:
        add(member, _calls(member, result))
    table.add_section()
    for member, rival in zip(rivals, result.rivals, strict=True):
        add(member, f"{rival.calls} full")
    notes = [
        READING,
        feasibility(result),
        f"{MARK} is a rival: the unpatched model with fewer steps." if rivals else "",
        "~ is predicted by the cost table, not timed end to end." if mixed else "",
        "" if result.front else "The front is empty.",
    ]
    table.caption = escape("\n".join(filter(None, notes)))
    return table


def _calls(member: FrontMember, result: StudyResult) -> str:
    calls = [*filter(None, [escape(calls_of(member.record))])]
    if member.audit and member.audit.beaten_by:
        calls.append(f"beaten by {escape(member.audit.beaten_by)} in the audit")
    if rival := dominating_rival(member, result):
        calls.append(f"dominated by {escape(rival.name)}")
    return "; ".join(calls)


def _as_member(rival: Rival) -> FrontMember:
    """A rival as the table's other lines are."""
    record = TrialRecord(
        number=0,
        state="complete",
        origin="baseline",
        params={},
        latency_s=rival.latency_s,
        speedup=rival.priced_speedup,
        quality=rival.quality,
    )
    return FrontMember(
        f"{MARK} {rival.name}",
        record,
        heldout=rival.heldout,
        timing=rival.timing,
        timed_speedup=rival.timed_speedup,
    )


def further_metrics(result: StudyResult) -> tuple[Metric, ...]:
    """The metrics of the front's members besides the FIDs."""
    qualities = [member.record.quality for member in result.front]
    names = dict.fromkeys(name for quality in qualities if quality for name in quality.metrics)
    return tuple(map(metric, names))


def other_devices(result: StudyResult) -> tuple[str, ...]:
    """The other devices for which the front was priced."""
    return tuple(dict.fromkeys(name for member in result.front for name in member.elsewhere))


def feasibility(result: StudyResult) -> str:
    """A sentence on the study's constraints and how many trials keep them; ``""`` without any."""
    bounds = result.config.get("constraints")
    names = {"speedup": "speed-up", "fid": "FID"}
    found = [
        f"{names.get(key) or metric(key).title} {bound}"
        for key, bound in (bounds.items() if isinstance(bounds, Mapping) else ())
        if bound
    ]
    if not found:
        return ""
    complete = [record for record in result.records if record.state == "complete"]
    kept = sum(record.feasible for record in complete)
    return f"Only schedules with {' and '.join(found)}: {kept} of {len(complete)} complete trials."
