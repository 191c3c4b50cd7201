"""trials.json and front.json: what is written is read back, and nothing else is."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dato import Kind, Schedule
from search.errors import UserError
from search.records.base_sampler import Base
from search.records.files import (
    front_to_json,
    load_result,
    members_from_json,
    members_to_json,
    result_from_json,
    save_result,
    trials_from_json,
    trials_to_json,
)
from search.records.folder import StudyFolder
from search.records.front import Audit, FrontMember, Timing
from search.records.quality import Quality
from search.records.record import TrialRecord, TunedFrom
from search.records.result import StudyResult
from search.records.rival import Rival
from tests.strategies import schedules

ROOT = Path(__file__).parents[3]
finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
qualities = st.builds(Quality, finite, finite, finite, st.integers(1, 10_000))


records = st.builds(
    TrialRecord,
    number=st.integers(0, 10**6),
    state=st.sampled_from(["complete", "pruned", "fail", "running"]),
    origin=st.sampled_from(["baseline", "warmstart", "sampler"]),
    params=st.dictionaries(text, st.integers(-(10**9), 10**9) | finite | text, max_size=3),
    schedule=st.none() | schedules(),
    latency_s=st.none() | finite,
    speedup=st.none() | finite,
    distance=st.none() | finite,
    quality=st.none() | qualities,
    images=st.integers(0, 10**6),
    violations=st.dictionaries(text, finite, max_size=2),
    seconds=finite,
    overhead_s=finite,
    reason=text,
)
bases = st.builds(
    Base,
    st.sampled_from(["DDIMScheduler", "UniPCMultistepScheduler"]),
    st.integers(1, 1000),
    st.dictionaries(st.sampled_from(["a", "b"]), st.booleans() | finite | text).map(
        lambda own: tuple(sorted(own.items()))
    ),
)
based = st.builds(replace, records, base=bases, unpatched_calls=st.integers(1, 1000))
audits = st.builds(
    Audit,
    reference_interval=st.tuples(finite, finite),
    matched_fid=st.none() | finite,
    matched_interval=st.none() | st.tuples(finite, finite),
    kid_real=st.none() | finite,
    kid_reference=finite,
    psnr=finite,
    ssim=finite,
    perceptual=finite,
    beaten_by=text,
)
members = st.builds(
    FrontMember,
    name=text,
    record=records,
    heldout=st.none() | qualities,
    timing=st.none() | st.builds(Timing, finite, finite, st.integers(1, 99)),
    timed_speedup=st.none() | finite,
    interval=st.none() | st.tuples(finite, finite),
    elsewhere=st.dictionaries(text, finite, max_size=2),
    audit=st.none() | audits,
)
results = st.builds(
    StudyResult,
    name=text,
    config=st.dictionaries(text, st.none() | st.booleans() | finite | text | st.lists(text)),
    objective=st.sampled_from(["fid_real", "fid_reference"]),
    records=st.lists(records | based, max_size=3).map(tuple),
    front=st.lists(members, max_size=2).map(tuple),
    baseline=st.none() | members,
    cost_table_error=st.none() | finite,
    cost_table_worst=st.none() | finite,
    device=text,
    versions=st.dictionaries(text, text, max_size=3),
    command=text,
)


@given(results)
@settings(max_examples=60, deadline=None)
def test_results_survive_a_round_trip(result: StudyResult) -> None:
    assert result_from_json(trials_to_json(result.records), front_to_json(result)) == result


def test_a_trial_says_its_base_where_that_is_not_the_studys_own() -> None:
    record = TrialRecord(1, "complete", "sampler", {}, Schedule.full(20), 1.0, 2.5, images=4)
    assert "base" not in trials_to_json([record])
    assert "unpatched_calls" not in trials_to_json([record])
    base = Base("UniPCMultistepScheduler", 20, (("use_karras_sigmas", True),))
    other = replace(record, base=base, unpatched_calls=50)
    (back,) = trials_from_json(trials_to_json([other]))
    assert back.base == base
    assert (record.calls, back.calls) == (4 * 20 / 2.5, 4 * 50 / 2.5)
    assert back.run != record.run
    assert record.run.is_unpatched
    assert not back.run.is_unpatched, "its images are not the reference's"


def test_a_tuned_trial_says_where_it_comes_from() -> None:
    record = TrialRecord(
        7, "complete", "tuned", {"a": 1}, tuned_from=TunedFrom(3, 5, 8, 21.5, (1.5, 4.0))
    )
    (back,) = trials_from_json(trials_to_json([record]))
    assert back == record
    plain = replace(record, origin="sampler", tuned_from=None)
    assert "tuned_from" not in trials_to_json([plain]), "files keep their keys"


def test_parameters_keep_their_type() -> None:
    record = TrialRecord(1, "fail", "sampler", {"a": 1, "b": 1.0, "c": "1"})
    (back,) = trials_from_json(trials_to_json([record]))
    assert [type(value) for value in back.params.values()] == [int, float, str]


def test_one_trial_takes_one_line(result: StudyResult) -> None:
    assert len(trials_to_json(result.records).splitlines()) == len(result.records) + 2


def test_an_unmeasured_fid_is_null_in_the_file_and_nan_in_memory() -> None:
    record = TrialRecord(0, "complete", "sampler", {}, quality=Quality(math.nan, 1.0, 0.1, 8))
    written = trials_to_json([record])
    assert json.loads(written)["trials"][0]["quality"]["fid_real"] is None
    quality = trials_from_json(written)[0].quality
    assert quality is not None
    assert math.isnan(quality.fid_real)


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_a_number_that_is_not_finite_is_never_written(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        trials_to_json([TrialRecord(0, "complete", "sampler", {}, latency_s=value)])


def test_a_message_with_broken_characters_is_written() -> None:
    record = TrialRecord(0, "fail", "sampler", {}, reason="cannot open \udcff")
    assert trials_from_json(trials_to_json([record]))[0].reason == "cannot open ?"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"extra": 1}, "extra"),
        ({"version": 2}, "version"),
        ({"format": "dato-preset"}, "format"),
        ({"trials": [{"number": 0}]}, "state"),
        ({"trials": 3}, "trials"),
    ],
)
def test_a_broken_file_is_refused_by_name(change: dict[str, object], named: str) -> None:
    good = json.loads(trials_to_json([TrialRecord(0, "complete", "sampler", {})]))
    with pytest.raises(UserError, match=f"trials.json.*{named}"):
        trials_from_json(json.dumps(good | change))


def test_a_schedule_that_breaks_a_rule_is_refused(result: StudyResult) -> None:
    data = json.loads(trials_to_json(result.records[:1]))
    data["trials"][0]["schedule"]["kinds"]["full"]["depth"] = 3
    with pytest.raises(UserError, match="The first call has the depth 3"):
        trials_from_json(json.dumps(data))


def test_a_schedule_without_forecasts_holds_the_output(result: StudyResult) -> None:
    data = json.loads(trials_to_json(result.records[:1]))
    del data["trials"][0]["schedule"]["quantity"]
    (record,) = trials_from_json(json.dumps(data))
    assert record.schedule is not None
    assert record.schedule.quantity == "output"


def test_forecasts_and_weights_are_recorded() -> None:
    kinds = {"full": Kind(), "held": Kind(0, forecast="fitted")}
    steps = ("full", "held", "full", "held")
    schedule = Schedule(kinds, steps, weights={1: (1.0,), 3: (1.5, -0.5)})
    written = trials_to_json([TrialRecord(1, "complete", "sampler", {}, schedule)])
    assert '"weights": {"1": [1.0], "3": [1.5, -0.5]}, "quantity": "epsilon"' in written
    assert trials_from_json(written)[0].schedule == schedule


@pytest.mark.parametrize("folder", ["study", "study/per_call"])
def test_recorded_studies_stay_readable(folder: str) -> None:
    files = (ROOT / "experiments" / folder / f"{name}.json" for name in ("trials", "front"))
    result = result_from_json(*(path.read_text(encoding="utf-8") for path in files))
    schedules = [record.schedule for record in result.records if record.schedule]
    assert schedules
    assert {schedule.quantity for schedule in schedules} == {"output"}


@pytest.mark.parametrize("broken", ["", "{", "[]", "\x00"])
def test_what_is_no_json_is_refused(broken: str) -> None:
    with pytest.raises(UserError, match="does not follow its format"):
        trials_from_json(broken)


def test_a_folder_gives_its_result_back(result: StudyResult, folder: StudyFolder) -> None:
    save_result(result, folder)
    assert load_result(folder) == result
    save_result(replace(result, front=()), folder)
    assert load_result(folder).front == ()


def test_a_missing_file_is_the_users_to_fix(folder: StudyFolder) -> None:
    with pytest.raises(UserError, match=r"trials\.json.*Resume the study"):
        load_result(folder)


@given(st.lists(members, max_size=3))
def test_audited_members_survive_a_round_trip(some: list[FrontMember]) -> None:
    with TemporaryDirectory() as root:
        path = Path(root) / "members.json"
        members_to_json(some, path)
        assert members_from_json(path) == tuple(some)
        path.write_text(path.read_text().replace("dato-members", "dato-front"))
        with pytest.raises(UserError, match=r"members\.json"):
            members_from_json(path)


def test_files_keep_the_keys_that_people_have() -> None:
    """In a file, ``speedup`` is a member's timed and a rival's priced one."""
    record = TrialRecord(1, "complete", "sampler", {}, Schedule.full(20), 1.0, 2.5)
    quality = Quality(1.0, 1.0, 0.1, 16)
    rival = Rival("DDIMScheduler", 5, 5, 0.1, 10.0, quality, timed_speedup=9.0)
    front = (FrontMember("speedup-2.4x", record, timed_speedup=2.4),)
    result = StudyResult(
        "study", {}, "fid_reference", (record,), front, None, None, "CPU", rivals=(rival,)
    )
    written = json.loads(front_to_json(result))
    assert written["front"][0]["speedup"] == 2.4
    assert written["front"][0]["record"]["speedup"] == 2.5
    assert (written["rivals"][0]["speedup"], written["rivals"][0]["timed_speedup"]) == (10.0, 9.0)
    assert result_from_json(trials_to_json([record]), front_to_json(result)) == result


@pytest.mark.parametrize("study", ["", "planned", "per_call"])
def test_recorded_studies_still_read_under_the_names_that_they_have(study: str) -> None:
    folder = Path(__file__).parents[3] / "experiments" / "study" / study
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("trials.json", "front.json")]
    names = [member["name"] for member in json.loads(texts[1])["front"]]
    assert [member.name for member in result_from_json(*texts).front] == names
