"""One headline for all places: audited, timed, not dominated, and shown to be no worse."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import dato
from dato import Schedule
from search.metrics import FID_REAL_BOUND, WORSE
from search.records.files import result_from_json
from search.records.findings import findings
from search.records.front import FrontMember, Timing
from search.records.headline import dominating_member, headline
from search.records.headline_text import compares_real, headline_text, preset_text
from search.records.members import named
from search.records.quality import Quality
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.records.rival import Rival
from search.records.rivals import dominating_rival, gain
from search.report.contents import numbers, shown_first
from search.tracking.summary import gains

ROOT = Path(__file__).parents[3]
UNPATCHED = 10.0
"""FID of the unpatched images to real ones."""

fids = st.floats(0.01, 2.0)
speedups = st.floats(1.1, 20.0)
worse = st.floats(-0.05, 0.1)


@st.composite
def qualities(draw: st.DrawFn, images: int, real: bool, bound: bool) -> Quality:
    known = UNPATCHED * (1 + draw(worse)) if real else float("nan")
    metrics = {FID_REAL_BOUND: UNPATCHED * (1 + draw(worse))} if real and bound else {}
    return Quality(known, draw(fids), 0.1, images, metrics)


@st.composite
def members(draw: st.DrawFn, number: int, real: bool) -> FrontMember:
    speedup = draw(speedups)
    record = TrialRecord(
        number, "complete", "sampler", {}, Schedule.full(50), 1 / speedup, speedup,
        quality=draw(qualities(16, real, bound=False)),
    )  # fmt: skip
    timed = draw(st.none() | speedups)
    return FrontMember(
        "",
        record,
        heldout=draw(st.none() | qualities(32, real, bound=True)),
        timing=None if timed is None else Timing(1 / timed, 0.0, 3),
        timed_speedup=timed,
    )


@st.composite
def rivals(draw: st.DrawFn, steps: int, timed: bool) -> Rival:
    speedup = 50 / steps
    return Rival(
        "UniPCMultistepScheduler", steps, steps, 1 / speedup, speedup,
        draw(qualities(16, real=False, bound=False)),
        heldout=draw(st.none() | qualities(32, real=False, bound=False)),
        timing=Timing(1 / speedup, 0.0, 3) if timed else None,
        timed_speedup=draw(speedups) if timed else None,
    )  # fmt: skip


@st.composite
def results(draw: st.DrawFn) -> StudyResult:
    real, timed = draw(st.booleans()), draw(st.booleans())
    size = draw(st.integers(0, 6))
    front = named([draw(members(number, real)) for number in range(1, size + 1)])
    record = TrialRecord(
        0, "complete", "baseline", {}, Schedule.full(50), 1.0, 1.0,
        quality=Quality(UNPATCHED if real else float("nan"), 0.0, 0.0, 16),
    )  # fmt: skip
    heldout = Quality(UNPATCHED if real else float("nan"), 0.0, 0.0, 32)
    return StudyResult(
        name="study",
        config={},
        objective="fid_reference",
        records=(record, *(member.record for member in front)),
        front=front,
        baseline=FrontMember("unpatched", record, heldout, Timing(1.0, 0.0, 3), 1.0),
        cost_table_error=draw(st.none() | st.floats(0, 0.5)),
        device="CPU",
        rivals=tuple(draw(rivals(steps, timed)) for steps in draw(st.sets(st.integers(2, 30)))),
    )


@given(results())
def test_the_headline_is_audited_timed_undominated_and_no_worse(result: StudyResult) -> None:
    member = headline(result).member
    if member is None:
        return
    assert member.heldout is not None and member.timed_speedup is not None
    assert dominating_rival(member, result) is None
    assert dominating_member(member, result) is None
    assert member.heldout.metrics[FID_REAL_BOUND] < UNPATCHED * (1 + WORSE)


@given(results())
def test_no_faster_member_would_do(result: StudyResult) -> None:
    """Against the rule read aloud, member by member."""
    good = [
        member
        for member in result.front
        if member.heldout is not None
        and member.timed_speedup is not None
        and member.heldout.metrics.get(FID_REAL_BOUND, 99.0) < UNPATCHED * (1 + WORSE)
        and dominating_rival(member, result) is None
        and not any(
            other.heldout is not None
            and other.timed_speedup is not None
            and other.timed_speedup >= member.timed_speedup
            and other.heldout.fid_reference <= member.heldout.fid_reference
            and (other.timed_speedup, other.heldout.fid_reference)
            != (member.timed_speedup, member.heldout.fid_reference)
            for other in result.front
        )
    ]
    member = headline(result).member
    assert (member is None) == (not good)
    if member is not None:
        assert member.timed_speedup == max(each.timed_speedup or 0.0 for each in good)


@given(results())
def test_all_places_say_the_same(result: StudyResult) -> None:
    first = headline(result)
    said = gains(result)
    (number, *_) = numbers(result)
    assert findings(result)[0] == number.note == headline_text(result)
    assert str(said["headline/text"]).startswith(number.note)
    assert said.get("headline/preset") == (first.member.name if first.member else None)
    judged = str(first.member is not None) if compares_real(result) else None
    assert said.get("headline/no_worse") == judged
    if first.member is not None:
        assert f"{first.member.timed_speedup:.1f}" == number.value
        assert number.note == preset_text(first.member, result)
        assert first.member.name == f"speedup-{number.value}x" or "x-" in first.member.name
    if first.subject is not None:
        assert shown_first(result, ()) == first.subject.name


@given(results())
def test_where_there_is_no_headline_it_says_so_and_what_to_do(result: StudyResult) -> None:
    first, text = headline(result), headline_text(result)
    if first.member is not None:
        return
    assert re.search(r"\b(Try|Run|run|Use|Set) ", text)
    if first.nearest is not None:
        assert first.nearest.name in text


@given(results())
def test_fewer_steps_are_compared_with_the_headlines_member_alone(result: StudyResult) -> None:
    subject = headline(result).subject
    sentences = [each for each in findings(result) if "fewer steps" in each.lower()]
    for sentence in sentences:
        times = re.search(r"(\S+) is (?:at least )?([\d.]+) times as fast as fewer", sentence)
        if times is None:
            continue
        assert subject is not None and times[1] == subject.name
        assert float(times[2]) >= 1.0
    assert "at most" not in " ".join(x.value for x in numbers(result)[1:])


@given(results())
def test_no_estimate_stands_beside_its_bound(result: StudyResult) -> None:
    """A bound is extrapolated, so it may lie below the plain estimate."""
    for member in result.front:
        assert len(re.findall(r"[\d.]+%", preset_text(member, result))) <= 2


@given(results())
def test_the_last_screen_tells_of_a_cost_table_that_is_far_off(result: StudyResult) -> None:
    error = result.cost_table_error
    told = any("cost table" in sentence for sentence in findings(result))
    assert told == (error is not None and error > 0.1)


@given(results())
def test_a_member_that_no_rival_reaches_is_never_called_slower_than_one(
    result: StudyResult,
) -> None:
    for member in result.front:
        over = gain(member, result)
        assert over is None or not over.quotable or over.times > 1


def test_an_empty_front_and_a_front_without_an_audit_say_what_is_missing() -> None:
    empty = StudyResult("study", {}, "fid_reference", (), (), None, None, "CPU")
    assert headline(empty).lack == "front"
    record = TrialRecord(1, "complete", "sampler", {}, Schedule.full(50), 0.5, 2.0)
    priced = replace(empty, front=named([FrontMember("", record)]))
    assert headline(priced).lack == "audit"
    assert "Run dato-search audit" in headline_text(priced)


def test_the_readmes_balanced_preset_is_the_headline_of_its_recorded_study() -> None:
    folder = ROOT / "experiments" / "study" / "planned"
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("trials.json", "front.json")]
    member = headline(result_from_json(*texts)).member
    preset = dato.load_preset("pocket/balanced")
    assert member is not None and member.record.number == preset.provenance.trial
    assert f"| `pocket/balanced` | {member.timed_speedup:.2f}x |" in (ROOT / "README.md").read_text(
        encoding="utf-8"
    )
