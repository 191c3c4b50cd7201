"""A front beside its rivals: who dominates whom, and what is gained over fewer steps."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from dato import Schedule
from search.errors import UserError
from search.records.files import (
    front_to_json,
    load_rivals,
    result_from_json,
    save_rivals,
    trials_from_json,
    trials_to_json,
)
from search.records.folder import StudyFolder
from search.records.front import FrontMember, Timing
from search.records.quality import Quality
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.records.rival import Rival
from search.records.rivals import (
    best_rivals,
    dominating_rival,
    exported,
    gain,
    with_better_settings,
)
from search.records.timesteps import Timesteps

NONE = math.nan
PLANNED = Timesteps("planned", (999.0, 619.5, 19.0))


def quality(fid: float, images: int = 16) -> Quality:
    return Quality(fid_real=NONE, fid_reference=fid, distance=0.1, images=images)


def member(speedup: float, fid: float) -> FrontMember:
    record = TrialRecord(
        number=1,
        state="complete",
        origin="sampler",
        params={},
        schedule=Schedule.full(50),
        latency_s=1 / speedup,
        speedup=speedup,
        quality=quality(fid),
    )
    return FrontMember(f"speedup-{speedup:.1f}x", record)


def rival(steps: int, fid: float, scheduler: str = "DDIMScheduler") -> Rival:
    return Rival(scheduler, steps, steps, steps / 50, 50 / steps, quality(fid))


def study(
    members: tuple[FrontMember, ...], *rivals: Rival, objective: str = "fid_reference"
) -> StudyResult:
    return StudyResult(
        name="study",
        config={},
        objective=objective,
        records=tuple(each.record for each in members),
        front=members,
        baseline=None,
        cost_table_error=None,
        device="CPU",
        rivals=rivals,
    )


def test_a_rival_that_is_no_slower_and_better_dominates_a_member() -> None:
    fast = member(8.0, 2.0)
    assert dominating_rival(fast, study((fast,), rival(6, 1.0))) == rival(6, 1.0)
    assert dominating_rival(fast, study((fast,), rival(7, 1.0))) is None  # slower
    assert dominating_rival(fast, study((fast,), rival(6, 2.1))) is None  # worse


def test_an_equal_rival_does_not_dominate() -> None:
    same = member(10.0, 2.0)
    assert dominating_rival(same, study((same,), rival(5, 2.0))) is None


def test_of_several_rivals_the_best_one_is_named() -> None:
    own, better = member(5.0, 3.0), rival(10, 0.5, "UniPCMultistepScheduler")
    assert dominating_rival(own, study((own,), rival(10, 1.0), better, rival(5, 0.9))) == better


def test_held_out_images_and_timed_speedups_count_where_both_have_them() -> None:
    timing = Timing(0.1, 0.0, 1)
    own = replace(member(8.0, 2.0), heldout=quality(4.0, 128), timing=timing, timed_speedup=8.0)
    other = replace(
        rival(6, 1.0), heldout=quality(5.0, 128), timing=timing, timed_speedup=8.3
    )  # the search's images flattered it
    assert dominating_rival(own, study((own,), other)) is None
    searched = replace(own, heldout=None, timing=None, timed_speedup=None)
    assert dominating_rival(searched, study((searched,), other)) == other


def test_values_of_different_numbers_of_images_are_never_compared() -> None:
    own = replace(member(8.0, 2.0), heldout=quality(9.0, 256))
    other = replace(rival(6, 3.0), heldout=quality(5.0, 128))
    assert dominating_rival(own, study((own,), other)) is None


@pytest.mark.parametrize(
    ("own", "text"),
    [
        (member(10.0, 1.0), "2.0"),  # what 10 steps reach, at twice their speed
        (member(10.0, 1.5), "1.4"),  # between 10 and 5 steps: 7.07x
        (member(10.0, 0.1), "at least 4.0"),  # better than 20 steps
        (member(10.0, 9.0), "at most 1.0"),  # no better than 5 steps
        (member(4.0, 2.0), "0.4"),  # 5 steps are as good and faster
    ],
)
def test_the_gain_over_fewer_steps_is_taken_at_the_same_metric(own: FrontMember, text: str) -> None:
    if own.record.speedup == 4.0:
        text = "at most 0.4"
    found = gain(own, study((own,), rival(20, 0.5), rival(10, 1.0), rival(5, 2.0), rival(6, 3.0)))
    assert str(found) == text


def test_without_rivals_nothing_is_gained_and_nothing_dominated() -> None:
    own = member(8.0, 2.0)
    assert gain(own, study((own,))) is None
    assert dominating_rival(own, study((own,))) is None


def test_dominated_members_become_presets_only_on_request() -> None:
    good, bad = member(12.0, 1.0), member(5.0, 3.0)
    result = study((bad, good), rival(8, 2.0))
    assert exported(result, dominated=False) == (good,)
    assert exported(result, dominated=True) == (bad, good)


def test_the_best_rivals_are_those_that_no_other_dominates() -> None:
    rivals = (rival(10, 1.0), rival(5, 2.0), rival(10, 0.5, "UniPCMultistepScheduler"))
    assert best_rivals(rivals, "fid_reference") == (rivals[2], rivals[1])


def test_a_metric_of_which_more_is_better_is_compared_the_other_way_round() -> None:
    own = member(8.0, 2.0)
    own = replace(
        own, record=replace(own.record, quality=replace(quality(2.0), metrics={"psnr": 30.0}))
    )
    good = replace(rival(6, 9.0), quality=replace(quality(9.0), metrics={"psnr": 35.0}))
    bad = replace(rival(6, 0.1), quality=replace(quality(0.1), metrics={"psnr": 25.0}))
    assert dominating_rival(own, study((own,), bad, objective="psnr")) is None
    assert dominating_rival(own, study((own,), bad, good, objective="psnr")) == good


def test_rivals_are_kept_in_the_study_and_read_back(folder: StudyFolder) -> None:
    known = (replace(rival(6, 1.0), timing=Timing(0.1, 0.0, 2), timed_speedup=8.1, seconds=3.0),)
    assert load_rivals(folder.rivals) == ()
    save_rivals(known, folder.rivals)
    (found,) = load_rivals(folder.rivals)
    assert replace(found, quality=known[0].quality) == known[0]
    assert math.isnan(found.quality.fid_real)


def test_given_timesteps_are_in_the_files_of_rivals_and_of_trials(folder: StudyFolder) -> None:
    planned = replace(rival(3, 1.0), timesteps=PLANNED)
    assert planned.name == "DDIM, 3 steps, planned timesteps"
    assert planned.base.label == "DDIM-3-timesteps=planned"
    assert planned.base.title == planned.name
    save_rivals([planned], folder.rivals)
    (found,) = load_rivals(folder.rivals)
    assert found.base == planned.base
    own = member(8.0, 2.0)
    based = replace(own.record, base=planned.base, unpatched_calls=50)
    (record,) = trials_from_json(trials_to_json([based]))
    assert record.base == planned.base
    assert "timesteps" not in trials_to_json([replace(based, base=rival(3, 1.0).base)])


def test_of_two_settings_the_better_one_counts_at_the_same_timesteps_alone() -> None:
    karras = (("use_karras_sigmas", True),)
    own = rival(6, 1.0), replace(rival(6, 0.5), settings=karras)
    planned = replace(rival(6, 2.0), timesteps=PLANNED)
    assert with_better_settings((*own, planned), "fid_reference") == (own[1], planned)


def test_the_gain_names_the_rivals_that_it_is_over() -> None:
    own = member(8.0, 1.5)
    planned = replace(rival(5, 1.6), timesteps=PLANNED)
    found = gain(own, study((own,), rival(10, 1.0), rival(5, 2.0), planned))
    assert found is not None
    assert found.beside == "DDIM, 10 steps and DDIM, 5 steps, planned timesteps"


def test_a_damaged_file_of_rivals_is_refused(folder: StudyFolder) -> None:
    folder.rivals.write_text('{"format": "dato-rivals", "version": 1, "rivals": [{}]}')
    with pytest.raises(UserError, match=r"rivals\.json does not follow its format"):
        load_rivals(folder.rivals)


def test_a_result_keeps_its_rivals_and_older_files_have_none() -> None:
    own = member(8.0, 2.0)
    result = study((own,), rival(6, 1.0))
    trials, front = trials_to_json(result.records), front_to_json(result)
    assert [each.name for each in result_from_json(trials, front).rivals] == ["DDIM, 6 steps"]
    start, end = front.index(' "rivals"'), front.index(' "config"')
    assert result_from_json(trials, front[:start] + front[end:]).rivals == ()
