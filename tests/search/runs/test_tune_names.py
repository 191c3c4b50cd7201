"""Which trials of a study ``tune --members`` can name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dato import Schedule
from search.errors import UserError
from search.records.record import TunedFrom
from search.records.result import StudyResult
from search.runs.tune import named
from tests.search.recorded_study import make_result


@pytest.fixture
def result() -> StudyResult:
    """Whose complete trials are all samplers of fewer calls."""
    study = make_result(trials=40)
    sampler = Schedule.uniform(6, 2, 0)
    records = tuple(replace(each, schedule=sampler) for each in study.records)
    by_number = {each.number: each for each in records}
    front = tuple(replace(member, record=by_number[member.record.number]) for member in study.front)
    return replace(study, records=records, front=front)


def test_a_member_has_its_name_and_its_number(result: StudyResult) -> None:
    for member in result.front:
        assert named(result, member.name) == member.record
        assert named(result, f"trial-{member.record.number}") == member.record


def test_complete_trials_off_the_front_have_their_number(result: StudyResult) -> None:
    known = {member.record.number for member in result.front}
    others = [each for each in result.records if each.number not in known]
    for record in others:
        name = f"trial-{record.number}"
        if record.state == "complete":
            assert named(result, name) == record
        else:
            with pytest.raises(UserError, match=rf"'{name}', and no complete trial is called so"):
                named(result, name)
    assert {"complete", "pruned"} <= {each.state for each in others}


def test_the_advice_about_a_tuned_member_can_be_followed(result: StudyResult) -> None:
    known = {member.record.number for member in result.front}
    before = next(
        each for each in result.records if each.state == "complete" and each.number not in known
    )
    member = result.front[0]
    tuned = replace(member.record, tuned_from=TunedFrom(before.number, 2, 12, 50.0))
    records = tuple(tuned if each == member.record else each for each in result.records)
    study = replace(result, records=records)
    with pytest.raises(UserError, match=f"Name trial-{before.number}, which it comes from"):
        named(study, member.name)
    assert named(study, f"trial-{before.number}") == before
