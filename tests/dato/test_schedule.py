"""Rules of a schedule, each broken once, and what its constructors promise."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dato import errors
from dato.schedule import Kind, Schedule, Tokens
from tests.strategies import schedules

FULL = Kind()

BROKEN: list[tuple[str, Callable[[], object], type[errors.ScheduleError]]] = [
    ("negative depth", lambda: Kind(-1), errors.DepthError),
    ("depth is a truth value", lambda: Kind(True), errors.DepthError),
    ("depth is a fraction", lambda: Kind(1.5), errors.DepthError),  # type: ignore[arg-type]
    ("depth is another word", lambda: Kind("none"), errors.DepthError),  # type: ignore[arg-type]
    ("reuse that prunes", lambda: Kind(0, {"level_0": 0.5}), errors.RatioError),
    ("patch of one token", lambda: Tokens(patch=(1, 1)), errors.TokensError),
    ("empty patch", lambda: Tokens(patch=(0, 4)), errors.TokensError),
    ("negative weight", lambda: Tokens(noise_weight=-0.1), errors.TokensError),
    ("infinite weight", lambda: Tokens(dynamics_weight=float("inf")), errors.TokensError),
    ("share above one", lambda: Tokens(protect=1.1), errors.TokensError),
    ("share is NaN", lambda: Tokens(protect=float("nan")), errors.TokensError),
    ("unknown share", lambda: Tokens(share="all"), errors.TokensError),  # type: ignore[arg-type]
    ("no calls", lambda: Schedule({"full": FULL}, ()), errors.EmptyScheduleError),
    ("no kinds", lambda: Schedule({}, ("full",)), errors.EmptyScheduleError),
    ("undefined kind", lambda: Schedule({"full": FULL}, ("full", "x")), errors.UnknownKindError),
    (
        "unused kind",
        lambda: Schedule({"full": FULL, "x": FULL}, ("full",)),
        errors.UnknownKindError,
    ),
    ("first call not full", lambda: Schedule({"a": Kind(3)}, ("a",)), errors.FirstCallError),
    (
        "ratio above 1 - 1/4",
        lambda: Schedule({"a": Kind("full", {"level_0": 0.76})}, ("a",)),
        errors.RatioError,
    ),
    (
        "negative ratio",
        lambda: Schedule({"a": Kind("full", {"level_0": -0.1})}, ("a",)),
        errors.RatioError,
    ),
    (
        "ratio is NaN",
        lambda: Schedule({"a": Kind("full", {"level_0": float("nan")})}, ("a",)),
        errors.RatioError,
    ),
]


@pytest.mark.parametrize(
    ("build", "error"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN]
)
def test_each_broken_rule_has_its_own_error(
    build: Callable[[], object], error: type[errors.ScheduleError]
) -> None:
    with pytest.raises(error) as caught:
        build()
    assert type(caught.value) is error
    assert caught.value.fault
    assert caught.value.remedy
    assert isinstance(caught.value, ValueError)


SENTENCES: list[tuple[Callable[[], object], str]] = [
    (
        lambda: Tokens(patch=(1, 1)),
        "The patch (1, 1) is too small: it needs two tokens. Use [2, 2].",
    ),
    (
        lambda: Tokens(protect=1.5),
        "The share protect=1.5 is not between 0 and 1. Use 0.2, or 0 to protect nothing.",
    ),
    (
        lambda: Kind(-1),
        'The depth -1 is neither "full" nor an integer from 0 on. '
        "Use 0 to reuse the previous output, or the number of skip branches.",
    ),
    (
        lambda: Kind(0, {"level_0": 0.5}),
        "A kind of depth 0 prunes 'level_0', but it runs no attention. Remove its prune entries.",
    ),
    (
        lambda: Schedule({"full": FULL}, ("full", "x")),
        "A step names the kind 'x', which is not defined. Defined kinds: full.",
    ),
    (
        lambda: Schedule({"a": Kind(3)}, ("a",)),
        "The first call has the depth 3, but there is nothing to reuse yet. "
        'Give the first step a kind of depth "full".',
    ),
    (
        lambda: Schedule({"a": Kind("full", {"mid": 0.76})}, ("a",)),
        "The pruning ratio 0.76 of 'mid' in the kind 'a' is not between 0 and 1 - 1/(patch area) = "
        "0.75. Lower the ratio or enlarge the patch.",
    ),
]


@pytest.mark.parametrize(("build", "sentence"), SENTENCES)
def test_an_error_says_what_is_wrong_with_the_value_and_then_the_remedy(
    build: Callable[[], object], sentence: str
) -> None:
    with pytest.raises(errors.ScheduleError) as caught:
        build()
    assert str(caught.value) == sentence
    assert caught.value.remedy


def test_the_largest_ratio_keeps_one_token_of_each_patch() -> None:
    assert Tokens(patch=(2, 2)).max_ratio == 0.75
    assert Tokens(patch=(4, 4)).max_ratio == 0.9375
    Schedule({"a": Kind("full", {"level_0": 0.75})}, ("a",))


def test_only_a_full_kind_without_pruning_is_null() -> None:
    assert Kind().is_null
    assert Kind("full", {"level_0": 0.0}).is_null
    assert not Kind("full", {"level_0": 0.1}).is_null
    assert not Kind(12).is_null


def test_full_never_caches() -> None:
    schedule = Schedule.full(5)
    assert schedule.calls == 5
    assert all(schedule.kind(call).is_null for call in range(5))


@pytest.mark.parametrize(
    ("calls", "interval", "full_calls"), [(10, 5, [0, 5]), (10, 1, list(range(10))), (3, 9, [0])]
)
def test_uniform_refreshes_at_every_interval(
    calls: int, interval: int, full_calls: list[int]
) -> None:
    schedule = Schedule.uniform(calls, interval, depth=2, prune={"level_0": 0.5})
    full = [call for call in range(calls) if schedule.kind(call).depth == "full"]
    assert full == full_calls
    assert all(kind.prune == {"level_0": 0.5} for kind in schedule.kinds.values())


def test_uniform_does_not_prune_reused_calls() -> None:
    schedule = Schedule.uniform(4, 2, depth=0, prune={"level_0": 0.5})
    assert not schedule.kind(1).prune


@given(schedules())
def test_schedules_are_frozen_hashable_and_travel_between_processes(schedule: Schedule) -> None:
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert {schedule: 1}[pickle.loads(pickle.dumps(schedule))] == 1
    with pytest.raises(TypeError):
        schedule.kinds["x"] = FULL  # type: ignore[index]
    with pytest.raises(AttributeError):
        schedule.steps = ()  # type: ignore[misc]


@given(schedules(), st.data())
def test_kind_is_looked_up_by_call(schedule: Schedule, data: st.DataObject) -> None:
    call = data.draw(st.integers(0, schedule.calls - 1))
    assert schedule.kind(call) is schedule.kinds[schedule.steps[call]]


def test_a_mapping_that_changes_later_does_not_change_the_schedule() -> None:
    prune = {"level_0": 0.5}
    kind = Kind("full", prune)
    prune["level_0"] = 0.1
    assert kind.prune["level_0"] == 0.5


@given(schedules())
def test_a_fitted_call_reads_as_many_values_as_earlier_calls_computed(schedule: Schedule) -> None:
    kinds = {
        name: kind if kind.depth == "full" else Kind(kind.depth, kind.prune, "fitted")
        for name, kind in schedule.kinds.items()
    }
    plain = Schedule({name: Kind(kind.depth) for name, kind in kinds.items()}, schedule.steps)
    sources = {call: len(plain.sources(call)) for call in range(plain.calls)}
    most = {call: (0.5,) * count for call, count in sources.items() if count}
    assert Schedule(kinds, schedule.steps, schedule.tokens, most).weights == most
    for call in most:
        more = most | {call: (0.5,) * (sources[call] + 1)}
        with pytest.raises(errors.ForecastError):
            Schedule(kinds, schedule.steps, schedule.tokens, more)


def test_an_error_lists_only_the_first_of_many_kinds() -> None:
    kinds = {f"k{number:03}": FULL for number in range(500)}
    with pytest.raises(errors.UnknownKindError, match=r"Defined kinds: k000, k001, k002, k003, "):
        Schedule(kinds, ("other",))
