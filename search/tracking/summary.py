"""What a tracker shows of a trial and of the front, as plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from search.records.findings import findings
from search.records.front import FrontMember
from search.records.headline import headline
from search.records.headline_text import compares_real
from search.records.knee import at_knee, scored
from search.records.members import member_interval, member_latency, member_speedup
from search.records.progress import FrontAfterTrial, metric_value
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.records.rival import Rival
from search.records.rivals import gain
from search.records.schedule_text import calls_of

Value = float | int | str | None

COLUMNS = (
    "trial", "state", "origin", "fid_real", "fid_reference", "latency_s", "speedup", "distance",
    "rung", "seconds", "calls", "reason",
)  # fmt: skip

FRONT_COLUMNS = (
    "preset", "trial", "speedup", "latency_s", "fid_real", "fid_reference", "heldout_fid", "low",
    "high", "calls",
)  # fmt: skip
"""``low`` and ``high`` are the 90 % interval of the held-out FID that the study minimised."""

RIVAL_COLUMNS = (
    "rival", "calls", "speedup", "latency_s", "fid_real", "fid_reference", "heldout_fid_real",
    "heldout_fid_reference",
)  # fmt: skip


def rung(record: TrialRecord) -> int:
    """What was measured of a trial: 0 nothing, 1 the first rung, 2 all images."""
    return 2 if record.quality is not None else 1 if record.distance is not None else 0


def metrics(record: TrialRecord, front: FrontAfterTrial | None) -> dict[str, float | int | str]:
    """One trial's values by metric name, without what was not measured."""
    values: dict[str, float | int | str | None] = {
        "trial": record.number,
        "state": record.state,
        "rung": rung(record),
        "seconds": record.seconds,
        "latency_s": record.latency_s,
        "speedup": record.speedup,
        "distance": record.distance,
        "fid_real": metric_value(record.quality, "fid_real"),
        "fid_reference": metric_value(record.quality, "fid_reference"),
        **(record.quality.metrics if record.quality else {}),
    }
    if front is not None:
        values |= {
            "front/size": front.size,
            "front/hypervolume": front.hypervolume,
            "front/cost": front.cost,
        }
    return {name: value for name, value in values.items() if value is not None}


def columns(result: StudyResult) -> tuple[str, ...]:
    """Columns of the trial table: :data:`COLUMNS`, and whatever else the study measured."""
    qualities = (record.quality for record in result.records)
    more = dict.fromkeys(name for quality in qualities if quality for name in quality.metrics)
    return (*COLUMNS, *more)


def table_row(record: TrialRecord, names: Sequence[str] = COLUMNS) -> list[Value]:
    """One line of the trial table, in the order of ``names``."""
    values: Mapping[str, float | int | str] = metrics(record, None)
    texts = {
        "origin": record.origin,
        "calls": calls_of(record),
        "reason": record.reason,
    }
    return [texts.get(column, values.get(column)) for column in names]


def front_row(member: FrontMember, objective: str) -> list[Value]:
    """One line of the table of the front, in the order of :data:`FRONT_COLUMNS`."""
    record = member.record
    low, high = member_interval(member, objective) or (None, None)
    return [
        member.name,
        record.number,
        member_speedup(member),
        member_latency(member),
        metric_value(record.quality, "fid_real"),
        metric_value(record.quality, "fid_reference"),
        metric_value(member.heldout, objective),
        low,
        high,
        calls_of(record),
    ]


def rival_row(rival: Rival) -> list[Value]:
    """One line of the table of rivals, in the order of :data:`RIVAL_COLUMNS`."""
    heldout = rival.heldout
    return [
        rival.name,
        rival.calls,
        rival.priced_speedup if rival.timed_speedup is None else rival.timed_speedup,
        rival.latency_s if rival.timing is None else rival.timing.latency_s,
        metric_value(rival.quality, "fid_real"),
        metric_value(rival.quality, "fid_reference"),
        metric_value(heldout, "fid_real"),
        metric_value(heldout, "fid_reference"),
    ]


def told(
    names: Sequence[str], rows: Sequence[Sequence[Value]]
) -> tuple[list[str | int], list[list[Value]]]:
    """Columns and lines of a table, without the columns in which no line says anything: those
    about real images, where a study has none."""
    kept = [place for place in range(len(names)) if any(row[place] is not None for row in rows)]
    return [names[place] for place in kept], [[row[place] for place in kept] for row in rows]


def gains(result: StudyResult) -> dict[str, float | str]:
    """The headline: how much faster than the unpatched model, and than fewer steps. Where there is
    none, ``headline/nearest`` names the preset that is nearest to one."""
    first = headline(result)
    over = None if first.subject is None else gain(first.subject, result)
    values: dict[str, float | str | None] = {
        "headline/preset": None if first.member is None else first.member.name,
        "headline/nearest": None if first.nearest is None else first.nearest.name,
        "headline/speedup": None if first.member is None else first.member.timed_speedup,
        "headline/no_worse": str(first.member is not None) if compares_real(result) else None,
        "headline/times_fewer_steps": over.times if over and over.quotable else None,
        "headline/text": " ".join(findings(result)),
    }
    return {name: value for name, value in values.items() if value is not None}


def roles(result: StudyResult) -> Mapping[str, tuple[str, ...]]:
    """Aliases by member name. ``best-fid``, ``knee`` and ``fastest`` each name one member.
    ``speedup-5x`` names the member of best FID among those with at least that speed-up, for each
    whole number from 2 on. If the study minimised another metric, that one replaces the FID."""
    judged = scored(result.front, result.objective)
    middle = at_knee(judged)
    if middle is None:
        return {}
    best = min(judged, key=lambda item: item[1])[0]
    fastest = min(judged, key=lambda item: item[2])[0]
    chosen = [("best-fid", best), ("knee", middle), ("fastest", fastest)]
    top = max(member_speedup(member) or 0.0 for member, _, _ in judged)
    for whole in range(2, math.floor(top) + 1):
        enough = [item for item in judged if (member_speedup(item[0]) or 0.0) >= whole]
        chosen.append((f"speedup-{whole}x", min(enough, key=lambda item: item[1])[0]))
    return {
        member.name: tuple(alias for alias, owner in chosen if owner is member)
        for member in result.front
    }


def member_metadata(member: FrontMember, device: str) -> dict[str, float | int | str]:
    """An artifact's metadata, without what was not measured."""
    values: Sequence[tuple[str, float | int | str | None]] = (
        ("trial", member.record.number),
        ("speedup", member_speedup(member)),
        ("latency_s", member_latency(member)),
        ("fid_real", metric_value(member.record.quality, "fid_real")),
        ("fid_reference", metric_value(member.record.quality, "fid_reference")),
        ("heldout_fid_real", metric_value(member.heldout, "fid_real")),
        ("heldout_fid_reference", metric_value(member.heldout, "fid_reference")),
        *(member.record.quality.metrics.items() if member.record.quality else ()),
        ("device", device),
    )
    return {name: value for name, value in values if value is not None}
