"""An audit in a terminal: every number, who is beaten, and the search's bias."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from search.records.front import Audit
from search.records.result import StudyResult
from search.report.audit_table import audit_table, bias
from search.report.cells import MISSING
from tests.search.recorded_study import without_real


def audited(result: StudyResult, gap: float) -> StudyResult:
    front = []
    for member in result.front:
        assert member.record.quality
        matched = member.record.quality.fid_real + gap
        around = (matched - 1, matched + 1)
        audit = Audit((3.1, 5.2), matched, around, 0.0123, 0.0045, 24.3, 0.853, 0.0312)
        front.append(replace(member, interval=(17.2, 19.9), audit=audit))
    return replace(result, front=tuple(front))


def show(result: StudyResult) -> str:
    console = Console(width=130, record=True, file=io.StringIO())
    console.print(audit_table(result))
    return console.export_text()


def test_every_number_is_shown_whole(result: StudyResult) -> None:
    shown = show(audited(result, 0.4))
    for text in ("(3.10–5.20)", "(17.2–19.9)", "12.3", "4.50", "24.3", "0.853", "0.0312"):  # noqa: RUF001
        assert shown.count(text) == len(result.front)
    assert "\N{HORIZONTAL ELLIPSIS}" not in shown


def test_a_beaten_member_is_marked_and_its_rival_named(result: StudyResult) -> None:
    result = audited(result, 0.0)
    first, second, *_ = result.front
    assert first.audit
    beaten = replace(first, audit=replace(first.audit, beaten_by=second.name))
    shown = show(replace(result, front=(beaten, *result.front[1:])))
    assert f"{first.name}\N{DAGGER}" in shown
    assert f"\N{DAGGER} {first.name} is beaten by {second.name}." in shown


def test_the_bias_is_told_on_equal_image_counts(result: StudyResult) -> None:
    assert "is 0.4000 higher than in the search" in bias(audited(result, 0.4))
    assert "is 1.500 lower than in the search" in bias(audited(result, -1.5))
    assert bias(result) == ""


def test_searched_fids_within_their_interval_are_counted(result: StudyResult) -> None:
    count = len(result.front)
    assert f"{count} of {count} searched FIDs lie within" in bias(audited(result, 0.4))
    assert f"0 of {count} searched FIDs lie within" in bias(audited(result, -1.5))


def test_a_front_that_was_not_audited_is_a_table_too(result: StudyResult) -> None:
    assert result.front[0].name in show(result)


def test_a_study_without_real_images_has_no_empty_columns_about_them(result: StudyResult) -> None:
    shown = show(without_real(audited(result, 0.4)))
    assert "FID to ref." in shown and "KID ref." in shown
    assert not any(text in shown for text in ("to real", "KID real", f" {MISSING} "))
