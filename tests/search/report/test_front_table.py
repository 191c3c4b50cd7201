"""A schedule in one line, and a front in a terminal."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from dato import Kind, Schedule
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.records.schedule_text import brief_calls, strip, summary
from search.report.cells import significant
from search.report.front_table import front_table

MIXED = Schedule(
    {"full": Kind(), "deep": Kind(9), "shallow": Kind(1), "reuse": Kind(0)},
    ("full", "shallow", "shallow", "reuse", "full", "deep"),
)


def show(result: StudyResult, width: int = 130) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(front_table(result))
    return console.export_text()


def test_summary_counts_calls_by_depth_from_deep_to_shallow() -> None:
    assert summary(MIXED) == "2 full, 1 at depth 9, 2 at depth 1, 1 reused"
    assert summary(Schedule.full(50)) == "50 full"
    assert summary(Schedule.uniform(50, 5)) == "10 full, 40 at depth 1"


def test_strip_has_one_block_for_each_call_as_high_as_its_depth() -> None:
    assert strip(MIXED) == "█▂▂▁█▆"
    assert len(strip(Schedule.uniform(51, 7, depth=12))) == 51


def test_strip_keeps_depth_order_whatever_the_topology() -> None:
    for branches in (9, 12, 40):
        kinds = {"full": Kind(), **{f"d{n}": Kind(n) for n in range(branches + 1)}}
        blocks = strip(Schedule(kinds, tuple(kinds)))[1:]
        assert list(blocks) == sorted(blocks)
        assert "█" not in blocks


def test_front_table_shows_every_member_under_the_baseline(result: StudyResult) -> None:
    shown = show(result)
    places = [shown.index(name) for name in ("unpatched", *(m.name for m in result.front))]
    assert places == sorted(places)
    assert "held-out" in shown
    assert brief_calls(result.front[-1].record) in shown


def test_the_interval_of_the_held_out_fid_is_shown(result: StudyResult) -> None:
    front = (replace(result.front[0], interval=(17.25, 19.5)),)
    assert "(17.2–19.5)" in show(replace(result, front=front))  # noqa: RUF001


@pytest.mark.parametrize("width", [100, 130, 200])
def test_each_member_is_one_line_with_all_that_its_calls_do(
    result: StudyResult, width: int
) -> None:
    lines = show(result, width).splitlines()
    for member in result.front:
        (line,) = [line for line in lines if line.strip().startswith(f"{member.name} ")]
        assert line.rstrip().endswith(brief_calls(member.record))
        assert f"{member.timed_speedup:.2f}x" in line


def test_the_calls_in_a_table_are_few_letters() -> None:
    held = Schedule({"full": Kind(), "line": Kind(0, forecast="linear")}, ("full", *["line"] * 5))
    record = TrialRecord(1, "complete", "sampler", {}, schedule=MIXED)
    assert brief_calls(record) == "2 full, 1 depth 9, 2 depth 1, 1 reused"
    assert brief_calls(replace(record, schedule=held)) == "1 full, 5 linear"
    assert brief_calls(replace(record, schedule=None)) == ""


def test_columns_that_have_no_room_are_named(result: StudyResult) -> None:
    assert "No room for" not in show(result, 200)
    assert "No room for" in show(result, 60)


def test_a_heading_says_which_fid_it_is_and_of_how_many_images(result: StudyResult) -> None:
    shown = show(replace(result, objective="fid_reference"), 200)
    first, second = (line for line in shown.splitlines() if "FID to" in line or "held-out" in line)
    assert re.findall(r"FID to (?:ref\.|real)", first) == [
        "FID to ref.",
        "FID to ref.",
        "FID to real",
        "FID to real",
    ]
    assert re.findall(r"\d+ [a-z-]+", second) == [
        "512 images", "1024 held-out", "512 images", "1024 held-out",
    ]  # fmt: skip


def test_front_table_fits_a_narrow_terminal(result: StudyResult) -> None:
    assert max(map(len, show(result, width=80).splitlines())) <= 80


def test_front_table_without_an_audit_has_no_held_out_column(result: StudyResult) -> None:
    front = tuple(replace(m, heldout=None, timing=None, timed_speedup=None) for m in result.front)
    assert result.baseline
    baseline = replace(result.baseline, heldout=None, timing=None, timed_speedup=None)
    assert "held-out" not in show(replace(result, front=front, baseline=baseline))


def test_predicted_times_are_marked_beside_timed_ones(result: StudyResult) -> None:
    first, *rest = (replace(member, timing=None, timed_speedup=None) for member in result.front)
    timed = result.front[0]
    mixed = show(replace(result, front=(timed, *rest)))
    assert mixed.count("~") == 2 * len(rest) + 1
    assert "~ is predicted by the cost table" in mixed
    priced = replace(result, baseline=None, front=(first, *rest))
    assert "~" not in show(priced)


def test_an_empty_front_says_so(result: StudyResult) -> None:
    assert "front is empty" in show(replace(result, front=(), baseline=None))


def test_constraints_are_named_with_how_many_trials_keep_them(result: StudyResult) -> None:
    kept = [replace(record, violations={"speedup": -0.1}) for record in result.records[:30]]
    broken = [replace(record, violations={"speedup": 0.1}) for record in result.records[30:]]
    complete = [sum(r.state == "complete" for r in records) for records in (kept, broken)]
    config = {"constraints": {"speedup": ">=5", "fid": None}}
    shown = show(replace(result, records=(*kept, *broken), config=config))
    assert f"Only schedules with speed-up >=5: {complete[0]} of {sum(complete)} complete" in shown


def test_names_are_shown_as_they_are(result: StudyResult) -> None:
    front = (replace(result.front[0], name="[red]x[/red]"),)
    assert "[red]x[/red]" in show(replace(result, front=front, name="[bold]s"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.000"), (0.0123, "0.01230"), (2.4021, "2.402"), (134.34, "134.3"), (24021.4, "24021")],
)
def test_an_fid_has_four_digits_that_mean_something(value: float, shown: str) -> None:
    assert significant(value) == shown


def test_the_table_says_how_it_is_read(result: StudyResult) -> None:
    assert "Compare each line with the unpatched one" in show(result)
