"""Facts about a member of a front: its name, speed-up, latency and interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from search.metrics import FID_REAL_BOUND, WORSE
from search.records.front import FrontMember


def member_name(speedup: float, tuned: bool = False) -> str:
    """The name of a front member, such as ``"speedup-4.1x"``, or ``"tuned-4.1x"``."""
    return f"{'tuned' if tuned else 'speedup'}-{speedup:.1f}x"


def member_names(members: Sequence[FrontMember]) -> tuple[str, ...]:
    """Unique names in the same order: the second of equal ones ends in ``-2``."""
    seen: Counter[str] = Counter()
    names = []
    for member in members:
        name = member_name(member_speedup(member) or 1.0, member.record.tuned_from is not None)
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return tuple(names)


def named(members: Sequence[FrontMember]) -> tuple[FrontMember, ...]:
    """The members, slowest first, each named by its speed-up: the timed one wherever there is one.

    Names follow the measurements, so another audit may change them. What stays is the number of a
    member's trial; see :func:`member_trial`.
    """
    ordered = sorted(members, key=lambda member: member_speedup(member) or 1.0)
    names = member_names(ordered)
    return tuple(replace(each, name=name) for each, name in zip(ordered, names, strict=True))


def member_trial(name: str, *fronts: Sequence[FrontMember]) -> int | None:
    """Number of the trial that a member's name means; ``None`` if no member has it.

    Args:
        name: a member's name, or ``"trial-17"`` for the member of that trial, which no audit
            changes.
        fronts: the same front under its names of different times. The first that knows the name
            decides.
    """
    for front in fronts:
        for member in front:
            if name in (member.name, f"trial-{member.record.number}"):
                return member.record.number
    return None


def renamed(before: Sequence[FrontMember], after: Sequence[FrontMember]) -> tuple[str, ...]:
    """A line for each member whose name an audit changed."""
    names = {member.record.number: member.name for member in before}
    return tuple(
        f"{names[member.record.number]} is now {member.name}: names follow the timed speed-up."
        for member in after
        if names.get(member.record.number, member.name) != member.name
    )


def member_speedup(member: FrontMember) -> float | None:
    """Speed-up: timed end to end where that was done, else the cost table's."""
    return member.priced_speedup if member.timed_speedup is None else member.timed_speedup


def member_latency(member: FrontMember) -> float | None:
    """Seconds per image: timed end to end where that was done, else the cost table's."""
    return member.record.latency_s if member.timing is None else member.timing.latency_s


def is_audited(member: FrontMember) -> bool:
    """Whether a member was judged on held-out images and timed end to end."""
    return member.heldout is not None and member.timed_speedup is not None


@dataclass(frozen=True)
class Worse:
    """How much higher the FID to real images of a member is than the unpatched one.

    Args:
        bound: one-sided 95 % bound, as a share of the unpatched FID.
        estimate: the same share from the two FIDs as they are. It is never shown beside the bound:
            the bound is extrapolated to infinitely many images, and may lie below it.
    """

    bound: float
    estimate: float

    @property
    def allowed(self) -> bool:
        """Whether the bound says that the FID is no worse; see :data:`search.metrics.WORSE`."""
        return self.bound < WORSE

    def __str__(self) -> str:
        if round(self.bound, 3) < 0:
            return f"at least {-self.bound:.1%} below the unpatched one"
        return f"at most {max(self.bound, 0.0):.1%} above the unpatched one"


def worse_by(member: FrontMember, baseline: FrontMember | None) -> Worse | None:
    """How much worse a member is than the unpatched model; ``None`` unless both were audited with
    real images."""
    if baseline is None or member.heldout is None or baseline.heldout is None:
        return None
    unpatched, bound = baseline.heldout.fid_real, member.heldout.metrics.get(FID_REAL_BOUND)
    if bound is None or not unpatched > 0:
        return None
    return Worse(bound / unpatched - 1, member.heldout.fid_real / unpatched - 1)


def no_worse(member: FrontMember, baseline: FrontMember | None) -> bool:
    """Whether the paired bound says that the FID to real images is no worse than the unpatched
    one. Without an audit nothing is said, so ``False``."""
    worse = worse_by(member, baseline)
    return worse is not None and worse.allowed


def member_interval(member: FrontMember, objective: str) -> tuple[float, float] | None:
    """90 % interval of the metric ``objective`` on held-out images; ``None`` unless audited."""
    if objective == "fid_real":
        return member.interval
    if member.audit is None:
        return None
    audit = member.audit
    return audit.reference_interval if objective == "fid_reference" else audit.interval
