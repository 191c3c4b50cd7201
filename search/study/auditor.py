"""An audit: the front on held-out prompts and noise, timed end to end, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from dato import Schedule
from search.errors import TrialError, UserError
from search.latency.end_to_end import Compared, cost_table_errors
from search.model.images import Images, first
from search.quality.audit_meter import AuditMeter
from search.records.base_sampler import Run
from search.records.front import FrontMember
from search.records.members import named
from search.records.record import TrialRecord
from search.study.audit_checkpoint import AuditCheckpoint, NoAuditCheckpoint
from search.study.audit_choice import AuditChoice
from search.study.evaluator import Evaluator, ImageSource
from search.study.front_choice import still_on_front

UNPATCHED = "unpatched"


@dataclass(frozen=True)
class Audited:
    """Everything that an audit measured.

    Args:
        baseline: the unpatched pipeline.
        front: all members, the audited ones with their numbers.
        cost_table_errors: relative errors of priced against timed speed-ups.
        samples: held-out images by member name, those that a sample grid shows; the baseline's
            under ``"unpatched"``.
    """

    baseline: FrontMember
    front: tuple[FrontMember, ...]
    cost_table_errors: tuple[float, ...]
    samples: dict[str, Images]


@dataclass(frozen=True)
class Auditor:
    """Audits members of a front.

    Args:
        source: generates images; ``meter``: scores them on the held-out workload.
        reference: the unpatched model's held-out images.
        evaluator: the search's, for its cost table and topology.
        objective: which FID the study minimised.
        time_together: times runs end to end, interleaved with the unpatched pipeline.
        stage: called with what is being done.
        shown: how many images of each member are returned, for sample grids.
    """

    source: ImageSource
    meter: AuditMeter
    reference: Images
    evaluator: Evaluator
    objective: str
    time_together: Callable[[Sequence[Run]], Compared]
    stage: Callable[[str], None]
    shown: int
    checkpoint: AuditCheckpoint = field(default_factory=NoAuditCheckpoint)

    def audit(
        self,
        baseline: TrialRecord,
        front: Sequence[FrontMember],
        choice: AuditChoice,
        check_schedules: Sequence[Schedule],
    ) -> Audited:
        """Audit some members of the front. Time all members, and ``check_schedules`` beside them.

        Args:
            baseline: the unpatched pipeline's record.
            choice: of the members.
            check_schedules: further schedules that the cost table is checked with.

        Raises:
            UserError: a member's held-out images cannot be made, or are not finite.
        """
        unpatched = FrontMember(
            UNPATCHED,
            baseline,
            heldout=self.meter.quality(self.reference),
            interval=self.meter.real_interval(self.reference),
        )
        samples: dict[int, Images] = {}
        judged = self._judged(front, unpatched, choice, samples)
        self.stage(f"timing {len(front)} front members end to end")
        schedules = [*map(_schedule, judged), *check_schedules]
        runs = [*(member.record.run for member in judged), *map(Run, check_schedules)]
        compared = self.time_together(runs)
        members = named(_timed(judged, compared))
        return Audited(
            baseline=replace(unpatched, timing=compared.baseline, timed_speedup=1.0),
            front=still_on_front(members, self.objective),
            cost_table_errors=cost_table_errors(
                self.evaluator.table, self.evaluator.topology, schedules, compared
            ),
            samples={UNPATCHED: self.reference}
            | {
                member.name: samples[member.record.number]
                for member in members
                if member.record.number in samples
            },
        )

    def _judged(
        self,
        front: Sequence[FrontMember],
        unpatched: FrontMember,
        choice: AuditChoice,
        samples: dict[int, Images],
    ) -> list[FrontMember]:
        """The front, the chosen members with their held-out quality. ``samples`` gets the images
        that a grid shows, by trial: names change once the members are timed."""
        members, most, number = list(front), choice.most(front), 1
        while (index := choice.next_of(members, unpatched)) is not None:
            member = members[index]
            self.stage(f"held-out images of front member {number} of {most}: {member.name}")
            members[index] = self._known(member, samples) or self._judge(member, samples)
            number += 1
        return members

    def _known(self, member: FrontMember, samples: dict[int, Images]) -> FrontMember | None:
        known = self.checkpoint.find(member)
        if known is not None:
            few = range(min(self.shown, self.meter.count))
            samples[member.record.number] = self._made(member, few)
        return known

    def _made(self, member: FrontMember, indices: Sequence[int]) -> Images:
        try:
            return self.source.generate(member.record.run, indices, heldout=True)
        except TrialError as error:
            raise UserError(
                f"Cannot audit {member.name!r}: {error} Give the other members to 'dato-search "
                "audit FOLDER --members'."
            ) from error

    def _judge(self, member: FrontMember, samples: dict[int, Images]) -> FrontMember:
        images = self._made(member, range(self.meter.count))
        samples[member.record.number] = first(images, self.shown).cpu()
        judged = replace(
            member,
            heldout=self.meter.quality(images),
            interval=self.meter.real_interval(images),
            audit=self.meter.audit(images),
        )
        self.checkpoint.keep(judged)
        return judged


def _timed(members: Sequence[FrontMember], compared: Compared) -> list[FrontMember]:
    """The members with their times, which come first in ``compared``."""
    return [
        replace(member, timing=compared.timings[place], timed_speedup=compared.speedups[place])
        for place, member in enumerate(members)
    ]


def _schedule(member: FrontMember) -> Schedule:
    assert member.record.schedule is not None
    return member.record.schedule
