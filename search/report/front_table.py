"""A front in a terminal: one row for each preset."""

from __future__ import annotations

from collections.abc import Mapping

from rich.markup import escape
from rich.table import Table

from search.metrics import Metric, metric
from search.records.members import member_latency, member_speedup
from search.records.progress import metric_value
from search.records.record import FrontMember, StudyResult
from search.records.schedule_text import summary
from search.report.cells import number, with_interval


def front_table(result: StudyResult) -> Table:
    """The front, slowest first, under the unpatched pipeline.

    Both FIDs are those of the search, all of the same images. An audit adds the FID to real
    images on held-out prompts, with its 90 % interval. Latency and speed-up are timed end to end
    where that was done; else they are the cost table's, which a tilde marks.
    """
    members = (*([result.baseline] if result.baseline else []), *result.front)
    real = any(metric_value(member.record.quality, "fid_real") is not None for member in members)
    heldout = any(metric_value(member.heldout, "fid_real") is not None for member in members)
    mixed = len({member.timing is None for member in members}) == 2
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
    for member in members:
        latency = member_latency(member)
        priced = "~" if mixed and member.timing is None else ""
        table.add_row(
            escape(member.name),
            number(metric_value(member.record.quality, "fid_reference"), ".2f"),
            *([number(metric_value(member.record.quality, "fid_real"), ".2f")] if real else []),
            *(
                [with_interval(metric_value(member.heldout, "fid_real"), member.interval)]
                if heldout
                else []
            ),
            *(number(metric_value(member.record.quality, x.name), f".{x.digits}f") for x in more),
            priced + number(None if latency is None else 1000 * latency, ".0f"),
            priced + number(member_speedup(member), ".2f", "x"),
            *(number(member.elsewhere.get(name), ".2f", "x") for name in devices),
            _calls(member),
        )
    notes = [
        feasibility(result),
        "~ is predicted by the cost table, not timed end to end." if mixed else "",
        "" if result.front else "The front is empty.",
    ]
    table.caption = escape(" ".join(filter(None, notes))) or None
    return table


def _calls(member: FrontMember) -> str:
    calls = summary(member.record.schedule) if member.record.schedule else ""
    beaten = member.audit.beaten_by if member.audit else ""
    return f"{calls}; beaten by {escape(beaten)} in the audit" if beaten else calls


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
