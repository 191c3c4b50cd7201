"""The front's members: who is on it, and which of them are looked at again."""

from __future__ import annotations

from dataclasses import replace

from dato import Schedule
from search.record import Quality, TrialRecord
from search.study.second_look import front_of, spread


def complete(number: int, interval: int, fid: float) -> TrialRecord:
    schedule = Schedule.uniform(40, interval)
    latency = 40 / interval
    return TrialRecord(
        number=number,
        state="complete",
        origin="sampler",
        params={},
        schedule=schedule,
        latency_s=latency,
        speedup=40 / latency,
        quality=Quality(fid_real=10 - fid, fid_reference=fid, distance=0.1, images=8),
    )


def test_the_front_is_non_dominated_slowest_first_and_without_the_unpatched_model() -> None:
    records = [
        complete(0, 1, 0.0),
        complete(1, 2, 1.0),
        complete(2, 4, 2.0),
        complete(3, 3, 3.0),
        replace(complete(4, 10, 0.1), state="pruned"),
    ]
    front = front_of(records, "fid_reference")
    assert [member.record.number for member in front] == [1, 2]
    assert [member.name for member in front] == ["speedup-2.0x", "speedup-4.0x"]


def test_the_objective_decides_who_is_on_the_front() -> None:
    records = [complete(1, 2, 1.0), complete(2, 4, 2.0)]
    assert [member.record.number for member in front_of(records, "fid_real")] == [2]


def test_a_second_look_takes_both_ends_and_spreads_over_speed_up() -> None:
    front = front_of(
        [complete(number, number + 2, float(number)) for number in range(12)], "fid_reference"
    )
    chosen = spread(front, 4)
    assert len(chosen) == 4
    assert chosen[0] == 0
    assert chosen[-1] == len(front) - 1
    assert spread(front, 99) == tuple(range(len(front)))
    assert spread((), 3) == ()
