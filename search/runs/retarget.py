"""Prices a study's schedules on other devices, from their cost tables and without an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dato import Schedule, Topology
from search.latency.cost_file import load_cost_table
from search.latency.cost_table import CostTable
from search.records.folder import StudyFolder
from search.records.front import FrontMember
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.records.rival import Rival
from search.settings.constraints import Constraints
from search.study.front_choice import front_of


def other_tables(folder: StudyFolder) -> tuple[CostTable, ...]:
    """The cost tables of other devices that the study was given."""
    return tuple(load_cost_table(path) for path in sorted(folder.tables.glob("*.json")))


def with_other_devices(
    front: Sequence[FrontMember], topology: Topology, tables: Sequence[CostTable]
) -> tuple[FrontMember, ...]:
    """The front, each member with its speed-up on the device of every table."""

    def speedups(schedule: Schedule | None) -> Mapping[str, float]:
        if schedule is None:
            return {}
        return {table.place.label: table.speedup(schedule, topology) for table in tables}

    return tuple(replace(member, elsewhere=speedups(member.record.schedule)) for member in front)


def retargeted(result: StudyResult, table: CostTable, constraints: Constraints) -> StudyResult:
    """The result that the study's trials give on the table's device.

    Every trial is priced anew, and the front is what then is not dominated. Measurements of images
    stay: the FIDs, and the held-out numbers of members that are on both fronts. Measured times are
    dropped.

    Args:
        constraints: the study's; bounds on the speed-up are judged again.
    """
    topology = table.work.topology
    records = tuple(_repriced(record, table, topology, constraints) for record in result.records)
    audited = {member.record.number: member for member in result.front}
    front = tuple(
        replace(member, heldout=known.heldout, interval=known.interval)
        if (known := audited.get(member.record.number))
        else member
        for member in front_of(records, result.objective)
    )
    base = result.baseline
    return replace(
        result,
        records=records,
        front=front,
        rivals=tuple(_rival(rival, table, topology) for rival in result.rivals),
        baseline=None
        if base is None
        else replace(
            base, record=_repriced(base.record, table, topology, constraints), timing=None,
            timed_speedup=None,
        ),
        cost_table_error=None if table.check is None else table.check.median,
        device=f"{table.place.label} (latency predicted from its cost table)",
    )  # fmt: skip


def _rival(rival: Rival, table: CostTable, topology: Topology) -> Rival:
    return replace(
        rival,
        latency_s=table.price(Schedule.full(rival.calls), topology),
        priced_speedup=table.price(Schedule.full(table.work.calls), topology)
        / table.price(Schedule.full(rival.calls), topology),
        timing=None,
        timed_speedup=None,
    )


def _repriced(
    record: TrialRecord, table: CostTable, topology: Topology, constraints: Constraints
) -> TrialRecord:
    if record.schedule is None:
        return record
    speedup = table.speedup(record.schedule, topology)
    return replace(
        record,
        latency_s=table.price(record.schedule, topology),
        speedup=speedup,
        violations={**record.violations, **constraints.violations({"speedup": speedup}.get)},
    )
