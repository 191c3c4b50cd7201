"""An audit in a terminal, and one sentence on how far the search's own numbers were off."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from search.metrics import Metric, metric
from search.records.front import Audit, FrontMember
from search.records.members import member_speedup
from search.records.progress import metric_value
from search.records.result import StudyResult
from search.report.cells import MISSING, metric_text, number, significant, with_interval

COLUMNS = (
    "searched", "held-out", "FID to ref.", "FID to real", "KID ref.", "KID real", "PSNR", "SSIM",
    "features", "speed-up",
)  # fmt: skip
DAGGER = "\N{DAGGER}"


def audit_table(result: StudyResult) -> Table:
    """The front: the study's own metric in the search and on as many held-out images, then all that
    the audit measured; a column that says nothing of any member is left out. KIDs are in
    thousandths, PSNR is in dB. A dagger marks a member that another one beats beyond its interval,
    and the caption says which one."""
    title = f"Audit of {escape(result.name)}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("preset", no_wrap=True)
    asked = metric(result.objective)
    members = (*([result.baseline] if result.baseline else []), *result.front)
    rows = [_cells(member, asked) for member in members]
    told = [place for place in range(len(COLUMNS)) if any(row[place] != MISSING for row in rows)]
    for place in told:
        table.add_column(COLUMNS[place], justify="right", no_wrap=True)
    for member, row in zip(members, rows, strict=True):
        name = escape(member.name) + (DAGGER if _beaten_by(member) else "")
        table.add_row(name, *(row[place] for place in told))
    verb = "maximised" if asked.higher else "minimised"
    notes = [f"The study {verb} {asked.title}.", bias(result)]
    notes += [
        f"{DAGGER} {member.name} is beaten by {_beaten_by(member)}."
        for member in result.front
        if _beaten_by(member)
    ]
    table.caption = escape("\n".join(filter(None, notes)))
    table.caption_justify = "left"
    return table


def _cells(member: FrontMember, asked: Metric) -> tuple[str, ...]:
    """One member's line, in the order of :data:`COLUMNS`."""
    searched = metric_text(metric_value(member.record.quality, asked.name), asked)
    matched, pairs = _audit(member.audit, asked)
    speedup = number(member_speedup(member), ".2f", "x")
    return (searched, matched, *_fids(member), *pairs, speedup)


def _beaten_by(member: FrontMember) -> str:
    return member.audit.beaten_by if member.audit else ""


def bias(result: StudyResult) -> str:
    """How far the search's FIDs (or values of the study's other metric) of the audited members were
    off, on equal image counts, and how many of them lie within the interval that other prompts
    give; ``""`` if nothing was audited."""
    pairs = [
        (searched, member.audit)
        for member in result.front
        if member.audit is not None
        and (searched := metric_value(member.record.quality, result.objective)) is not None
    ]
    gaps = [x.matched_fid - searched for searched, x in pairs if x.matched_fid is not None]
    if not gaps:
        return ""
    gap, count = statistics.fmean(gaps), len(gaps)
    asked = metric(result.objective)
    where = "higher" if gap >= 0 else "lower"
    return (
        f"On as many held-out images as the search used, the {asked.label} of {count} member"
        f"{'' if count == 1 else 's'} is {metric_text(abs(gap), asked)} "
        f"{where} than in the search, on average.{_within(pairs, asked.label)}"
    )


def _within(pairs: Sequence[tuple[float, Audit]], name: str) -> str:
    ends = [(searched, x.matched_interval) for searched, x in pairs if x.matched_interval]
    if not ends:
        return ""
    inside = sum(low <= searched <= high for searched, (low, high) in ends)
    return (
        f" {inside} of {len(ends)} searched {name}s lie within the interval that other prompts "
        "give, 9 in 10 by chance."
    )


def _audit(audit: Audit | None, asked: Metric) -> tuple[str, tuple[str, ...]]:
    if audit is None:
        return MISSING, (MISSING,) * 5
    return metric_text(audit.matched_fid, asked), (
        significant(1000 * audit.kid_reference, 3),
        significant(None if audit.kid_real is None else 1000 * audit.kid_real, 3),
        number(audit.psnr, ".1f"),
        number(audit.ssim, ".3f"),
        number(audit.perceptual, ".4f"),
    )


def _fids(member: FrontMember) -> tuple[str, str]:
    reference = None if member.audit is None else member.audit.reference_interval
    return (
        with_interval(metric_value(member.heldout, "fid_reference"), reference),
        with_interval(metric_value(member.heldout, "fid_real"), member.interval),
    )
