"""The records of the everyday studies: what their fronts and their rivals came to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from search.records.files import load_result
from search.records.findings import findings
from search.records.folder import StudyFolder
from search.records.front import FrontMember
from search.records.headline import headline, is_dominated
from search.records.members import is_audited
from search.records.quality import Quality
from search.records.result import StudyResult
from search.records.rival import Rival
from search.records.rivals import gain
from search.records.schedule_text import calls_of

RESULTS = Path(__file__).with_name("results.json")
TABLE = Path(__file__).with_name("results.md")
HEADER = (
    "| setting | what | speed-up | FID to unpatched | captions right | times fewer steps |",
    "|---|---|---:|---:|---:|---:|",
)


def save(studies: Mapping[str, Path]) -> None:
    """Write what is known of the studies; an earlier record of others stays."""
    records = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for name, path in studies.items():
        folder = StudyFolder(path)
        if folder.front.is_file():
            records[name] = record_of(load_result(folder))
    RESULTS.write_text(json.dumps(records, indent=1) + "\n")
    TABLE.write_text("\n".join(table(records)) + "\n")


def record_of(result: StudyResult) -> dict[str, object]:
    """The audited members, slowest first, and the rivals that were judged beside them."""
    first = headline(result)
    return {
        "headline": None if first.member is None else first.member.name,
        "nearest": None if first.nearest is None else first.nearest.name,
        "findings": list(findings(result)),
        "device": result.device,
        "trials": len(result.records),
        "members": [_member(each, result) for each in result.front if is_audited(each)],
        "rivals": [_rival(each) for each in result.rivals if each.heldout is not None],
    }


def table(records: Mapping[str, Mapping[str, object]]) -> list[str]:
    """The records as Markdown."""
    lines = list(HEADER)
    for name, record in records.items():
        for what in ("members", "rivals"):
            rows = record[what]
            assert isinstance(rows, list)
            lines += [
                f"| {name} | {row['calls'] if what == 'members' else row['name']} "
                f"| {row['speedup']:.2f}x | {row['fid']:.3g} | {row['captions']:.0%} "
                f"| {row.get('times') or ''} |"
                for row in rows
            ]
    return lines


def _member(member: FrontMember, result: StudyResult) -> dict[str, object]:
    over = gain(member, result)
    return {
        "name": member.name,
        "calls": calls_of(member.record),
        "speedup": member.timed_speedup,
        **_quality(member.heldout),
        "times": None if over is None else str(over),
        "dominated": is_dominated(member, result),
    }


def _rival(rival: Rival) -> dict[str, object]:
    speedup = rival.priced_speedup if rival.timed_speedup is None else rival.timed_speedup
    return {"name": rival.name, "speedup": speedup, **_quality(rival.heldout)}


def _quality(quality: Quality | None) -> dict[str, object]:
    assert quality is not None
    return {
        "fid": quality.fid_reference,
        "images": quality.images,
        "captions": quality.metrics["caption_accuracy"],
    }
