"""Facts about a member of a front: its name, speed-up, latency and interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from search.metrics import FID_REAL_BOUND, WORSE
from search.records.record import FrontMember


def member_name(speedup: float) -> str:
    """The name of a front member, such as ``"speedup-4.1x"``."""
    return f"speedup-{speedup:.1f}x"


def member_names(speedups: Sequence[float]) -> tuple[str, ...]:
    """Unique names in the same order: the second of equal ones ends in ``-2``."""
    seen: Counter[str] = Counter()
    names = []
    for name in map(member_name, speedups):
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return tuple(names)


def member_speedup(member: FrontMember) -> float | None:
    """Speed-up: timed end to end where that was done, else the cost table's."""
    return member.record.speedup if member.speedup is None else member.speedup


def member_latency(member: FrontMember) -> float | None:
    """Seconds per image: timed end to end where that was done, else the cost table's."""
    return member.record.latency_s if member.timing is None else member.timing.latency_s


def worse_by(member: FrontMember, baseline: FrontMember) -> tuple[float, float] | None:
    """How much higher the FID to real images of a member is than the unpatched one, and the
    one-sided 95 % bound of that, both as shares of the unpatched FID; ``None`` unless audited."""
    known = (member.heldout, baseline.heldout)
    if known[0] is None or known[1] is None or not known[1].fid_real > 0:
        return None
    bound = known[0].metrics.get(FID_REAL_BOUND)
    if bound is None:
        return None
    return known[0].fid_real / known[1].fid_real - 1, bound / known[1].fid_real - 1


def no_worse(member: FrontMember, baseline: FrontMember) -> bool:
    """Whether the paired bound says that the FID to real images is no worse than the unpatched
    one: see :data:`search.metrics.WORSE`. Without an audit nothing is said, so ``False``."""
    found = worse_by(member, baseline)
    return found is not None and found[1] < WORSE


def member_interval(member: FrontMember, objective: str) -> tuple[float, float] | None:
    """90 % interval of the metric ``objective`` on held-out images; ``None`` unless audited."""
    if objective == "fid_real":
        return member.interval
    if member.audit is None:
        return None
    audit = member.audit
    return audit.reference_interval if objective == "fid_reference" else audit.interval
