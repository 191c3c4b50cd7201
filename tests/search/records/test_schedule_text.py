"""A schedule in one line says how much is recomputed, and what becomes of the rest."""

from __future__ import annotations

from dato import Kind, Schedule, Slope
from search.records.base_sampler import Base
from search.records.record import TrialRecord
from search.records.schedule_text import calls_of, strip, summary

FITTED = Schedule(
    {"full": Kind(), "shallow": Kind(1, forecast="linear"), "held": Kind(0, forecast="fitted")},
    ("full", "shallow", "held", "full", "held"),
    weights={2: (1.0,), 4: (1.5, -0.5)},
)


def test_forecasts_are_named_in_plain_words() -> None:
    assert summary(Schedule.uniform(50, 10, 0, forecast="linear")) == "5 full, 45 forecast linearly"
    assert summary(Schedule.uniform(50, 10, 0)) == "5 full, 45 reused"
    assert summary(FITTED) == (
        "2 full, 1 at depth 1 (forecast linearly), 2 forecast with fitted weights"
    )


def test_slopes_are_said_where_lines_do_not_go_all_the_way() -> None:
    kinds = {"full": Kind(), "cut": Kind(1, forecast="linear"), "held": Kind(0, forecast="linear")}
    schedule = Schedule(kinds, ("full", "cut", "full", "held"))
    said = summary(schedule.sloped(Slope(0.4, 1.625)))
    assert said == summary(schedule) + " (slopes 0.4 to 1.62)"
    assert summary(schedule.sloped(Slope(0.5, 0.5))).endswith("1 forecast linearly (slope 0.5)")


def test_a_strip_tells_forecasts_from_reuse_in_one_character_a_call() -> None:
    assert strip(Schedule.uniform(6, 3, 0, forecast="linear")) == "█~~█~~"
    assert strip(Schedule.uniform(6, 3, 0)) == "█▁▁█▁▁"
    assert strip(FITTED) == "█▂~█~"


def test_a_trial_says_its_base_where_the_space_lists_several() -> None:
    alone = TrialRecord(1, "complete", "sampler", {}, Schedule.full(6))
    own = TrialRecord(1, "complete", "sampler", {"base": "own"}, Schedule.full(6))
    base = Base("UniPCMultistepScheduler", 6, (("solver_order", 2),))
    other = TrialRecord(1, "complete", "sampler", {"base": base.label}, Schedule.full(6), base=base)
    assert calls_of(alone) == "6 full"
    assert calls_of(own) == "own sampler: 6 full"
    assert calls_of(other) == "UniPC, 6 steps, solver_order=2: 6 full"
    assert calls_of(TrialRecord(1, "fail", "sampler", {"base": "own"})) == ""
