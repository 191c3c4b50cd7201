"""Facts about a member of a front: its name, speed-up, latency and interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

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


def member_interval(member: FrontMember, objective: str) -> tuple[float, float] | None:
    """90 % interval of the metric ``objective`` on held-out images; ``None`` unless audited."""
    if objective == "fid_real":
        return member.interval
    if member.audit is None:
        return None
    audit = member.audit
    return audit.reference_interval if objective == "fid_reference" else audit.interval
