"""The front's members: who is on it, who stands for all, and who leaves it in an audit."""

from __future__ import annotations

from dataclasses import replace

from dato import Schedule
from search.records.front import Audit, FrontMember
from search.records.members import member_interval
from search.records.quality import Quality
from search.records.record import TrialRecord
from search.study.front_choice import front_of, spread, still_on_front


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


def test_members_that_break_a_constraint_are_not_on_the_front() -> None:
    records = [complete(1, 2, 1.0), complete(2, 4, 2.0)]
    broken = replace(records[0], violations={"fid": 0.1})
    front = front_of([broken, records[1]], "fid_reference")
    assert [member.record.number for member in front] == [2]


def test_the_spread_takes_both_ends_and_spreads_over_speed_up() -> None:
    front = front_of(
        [complete(number, number + 2, float(number)) for number in range(12)], "fid_reference"
    )
    chosen = spread(front, 4)
    assert len(chosen) == 4
    assert chosen[0] == 0
    assert chosen[-1] == len(front) - 1
    assert spread(front, 99) == tuple(range(len(front)))
    assert spread((), 3) == ()


def audited(name: str, speedup: float, fid: float, width: float = 1.0) -> FrontMember:
    record = complete(0, 2, fid)
    return FrontMember(
        name,
        record,
        heldout=Quality(fid_real=100 - fid, fid_reference=fid, distance=0.1, images=16),
        interval=(100 - fid - width, 100 - fid + width),
        timed_speedup=speedup,
        audit=Audit((fid - width, fid + width), fid, None, None, 0.0, 30.0, 0.9, 0.1),
    )


def beaten(*members: FrontMember, objective: str = "fid_reference") -> list[str]:
    return [m.audit.beaten_by for m in still_on_front(members, objective) if m.audit]


def test_a_member_is_beaten_by_one_no_slower_and_better_beyond_its_interval() -> None:
    slow, fast = audited("slow", 2.0, 5.0), audited("fast", 4.0, 3.0)
    assert beaten(slow, fast) == ["fast", ""]
    assert beaten(audited("slow", 2.0, 5.0, width=3.0), fast) == ["", ""]
    assert beaten(audited("slow", 5.0, 5.0), fast) == ["", ""]
    assert beaten(audited("equal", 4.0, 3.0), fast) == ["", ""]


def test_the_best_of_several_rivals_is_named() -> None:
    members = [audited("a", 2.0, 9.0), audited("b", 3.0, 5.0), audited("c", 4.0, 3.0)]
    assert beaten(*members) == ["c", "c", ""]


def test_the_objective_decides_who_is_beaten() -> None:
    slow, fast = audited("slow", 2.0, 5.0), audited("fast", 4.0, 3.0)
    assert beaten(slow, fast, objective="fid_real") == ["", ""]
    assert member_interval(slow, "fid_real") == (94.0, 96.0)
    assert member_interval(slow, "fid_reference") == (4.0, 6.0)


def test_where_more_is_better_a_rival_lies_above_the_interval() -> None:
    def scored(name: str, speedup: float, psnr: float) -> FrontMember:
        member = audited(name, speedup, 5.0)
        assert member.heldout is not None and member.audit is not None
        heldout = replace(member.heldout, metrics={"psnr": psnr})
        audit = replace(member.audit, interval=(psnr - 1, psnr + 1))
        return replace(member, heldout=heldout, audit=audit)

    slow, fast = scored("slow", 2.0, 25.0), scored("fast", 4.0, 28.0)
    assert beaten(slow, fast, objective="psnr") == ["fast", ""]
    assert beaten(scored("slow", 2.0, 27.5), fast, objective="psnr") == ["", ""]


def test_members_that_were_not_audited_beat_nobody() -> None:
    slow, fast = audited("slow", 2.0, 5.0), audited("fast", 4.0, 3.0)
    for rival in (replace(fast, timed_speedup=None), replace(fast, heldout=None)):
        assert beaten(slow, rival)[0] == ""
