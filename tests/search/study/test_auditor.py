"""Who is audited, what is asked of the model, and what an earlier audit already knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import torch

from dato import Schedule
from search.latency.end_to_end import Compared
from search.model.images import Images
from search.quality.audit_meter import AuditMeter
from search.records.base_sampler import Run
from search.records.front import Audit, FrontMember, Timing
from search.records.quality import Quality
from search.study.audit_checkpoint import AuditCheckpoint
from search.study.auditor import Auditor
from search.study.evaluator import Evaluator
from search.study.front_choice import front_of
from tests.search.study.conftest import TOPOLOGY
from tests.search.study.test_front_choice import complete

COUNT = 16


@dataclass
class Source:
    asked: list[tuple[Schedule | None, int, bool]] = field(default_factory=list)

    def generate(self, run: Run, indices: Sequence[int], *, heldout: bool = False) -> Images:
        self.asked.append((run.schedule, len(indices), heldout))
        size = len(indices)
        return Images(torch.zeros(size, 3, 4, 4, dtype=torch.uint8), torch.zeros(size, 1, 2, 2))


class Meter:
    count = COUNT

    def quality(self, images: Images) -> Quality:
        return Quality(5.0, 1.0, 0.1, len(images))

    def real_interval(self, images: Images) -> tuple[float, float]:
        return (4.0, 6.0)

    def audit(self, images: Images) -> Audit:
        return Audit((0.5, 1.5), 1.0, None, 0.1, 0.1, 30.0, 0.9, 0.1)


@dataclass
class Pages:
    members: list[FrontMember] = field(default_factory=list)

    def find(self, member: FrontMember) -> FrontMember | None:
        return next((known for known in self.members if known.name == member.name), None)

    def keep(self, member: FrontMember) -> None:
        self.members.append(member)


class Places:
    """These places, one after another."""

    def __init__(self, *places: int) -> None:
        self._places = places

    def most(self, members: Sequence[FrontMember]) -> int:
        return len(self._places)

    def next_of(self, members: Sequence[FrontMember], baseline: FrontMember) -> int | None:
        return next((place for place in self._places if members[place].heldout is None), None)


class Table:
    def price(self, schedule: Schedule, topology: object) -> float:
        return float(sum(schedule.kind(call).depth == "full" for call in range(schedule.calls)))

    def speedup(self, schedule: Schedule, topology: object) -> float:
        full = self.price(Schedule.full(schedule.calls), topology)
        return full / self.price(schedule, topology)


FRONT = front_of([complete(n, n + 1, float(n)) for n in range(1, 6)], "fid_reference")
BASELINE = complete(0, 1, 0.0)
IMAGES = Images(torch.zeros(COUNT, 3, 4, 4, dtype=torch.uint8), torch.zeros(COUNT, 1, 2, 2))


def time_together(runs: Sequence[Run]) -> Compared:
    timings = tuple(Timing(1.0 + index, 0.0, 3) for index in range(len(runs)))
    return Compared(Timing(9.0, 0.0, 3), timings, tuple(2.0 + i for i in range(len(runs))))


def auditor(source: Source, checkpoint: AuditCheckpoint) -> Auditor:
    evaluator = Evaluator(
        source, cast("object", None), cast("object", None), Table(), TOPOLOGY, None  # type: ignore[arg-type]
    )  # fmt: skip
    return Auditor(
        source=source,
        meter=cast(AuditMeter, Meter()),
        reference=IMAGES,
        evaluator=evaluator,
        objective="fid_reference",
        time_together=time_together,
        shown=12,
        stage=lambda text: None,
        checkpoint=checkpoint,
    )


def test_the_chosen_members_are_judged_on_held_out_images_and_all_are_timed() -> None:
    source = Source()
    done = auditor(source, Pages()).audit(BASELINE, FRONT, Places(1, 3), [Schedule.uniform(40, 4)])
    assert [member.heldout is not None for member in done.front] == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert source.asked == [(FRONT[index].record.schedule, COUNT, True) for index in (1, 3)]
    assert [member.timed_speedup for member in done.front] == [2.0, 3.0, 4.0, 5.0, 6.0]
    assert set(done.samples) == {"unpatched", "speedup-3.0x", "speedup-5.0x"}
    assert len(done.cost_table_errors) == 6
    assert (done.baseline.timed_speedup, done.baseline.audit) == (1.0, None)


def test_members_in_the_notebook_are_not_judged_again_but_timed_and_shown() -> None:
    pages = Pages()
    auditor(Source(), pages).audit(BASELINE, FRONT, Places(0), [])
    source = Source()
    done = auditor(source, pages).audit(BASELINE, FRONT, Places(0, 1), [])
    assert [(count, heldout) for _, count, heldout in source.asked] == [(12, True), (COUNT, True)]
    assert done.front[0].audit == replace(pages.members[0].audit or Meter().audit(IMAGES))
    assert done.front[0].timed_speedup == 2.0
    assert set(done.samples) == {"unpatched", "speedup-2.0x", "speedup-3.0x"}


def test_a_member_is_named_by_what_was_timed_and_keeps_its_images_and_its_place() -> None:
    """The cost table had promised 2x to 6x, and the third member more than the fourth."""

    def busy(runs: Sequence[Run]) -> Compared:
        timings = tuple(Timing(1.0, 0.0, 3) for _ in runs)
        return Compared(Timing(9.0, 0.0, 3), timings, (1.7, 2.4, 3.6, 3.3, 3.34))

    asked = replace(auditor(Source(), Pages()), time_together=busy)
    done = asked.audit(BASELINE, FRONT, Places(2), [])
    assert [(member.name, member.record.number) for member in done.front] == [
        ("speedup-1.7x", FRONT[0].record.number),
        ("speedup-2.4x", FRONT[1].record.number),
        ("speedup-3.3x", FRONT[3].record.number),
        ("speedup-3.3x-2", FRONT[4].record.number),
        ("speedup-3.6x", FRONT[2].record.number),
    ]
    assert set(done.samples) == {"unpatched", "speedup-3.6x"}
    assert done.front[-1].heldout is not None
