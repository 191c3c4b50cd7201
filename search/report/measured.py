"""What a preset says was measured of it."""

from __future__ import annotations

from collections.abc import Mapping

from dato.preset import Measured
from dato.preset.info import FidTo
from search.records.front import FrontMember
from search.records.progress import metric_value
from search.records.quality import Quality
from search.records.result import StudyResult


def measured_of(result: StudyResult, member: FrontMember) -> Measured | None:
    """The audit's numbers if both the member and the baseline have them, else the search's."""
    base = result.baseline
    if base is None:
        return None
    heldout = member.heldout is not None and base.heldout is not None
    quality = member.heldout if heldout else member.record.quality
    reference = base.heldout if heldout else base.record.quality
    fid_to = _fid_to(quality, reference)
    fids = [metric_value(each, _METRIC_OF[fid_to]) for each in (quality, reference)]
    latency, base_latency, speedup = _latencies(member, base)
    if quality is None or fids[0] is None or fids[1] is None:
        return None
    if not (latency and base_latency and speedup):
        return None
    return Measured(
        fid=max(0.0, fids[0]),
        latency_s=latency,
        speedup=speedup,
        device=result.device,
        images=quality.images,
        baseline_fid=max(0.0, fids[1]),
        baseline_latency_s=base_latency,
        fid_to=fid_to,
        features=_features(result),
        prompts="held-out" if heldout else "searched",
        prompt_count=quality.prompts,
    )


_METRIC_OF: Mapping[FidTo, str] = {"real": "fid_real", "unpatched": "fid_reference"}


def _fid_to(*qualities: Quality | None) -> FidTo:
    """To real images if it is known, because the unpatched model's FID to itself is always 0. A
    preset holds no other metric."""
    known = all(metric_value(quality, "fid_real") is not None for quality in qualities)
    return "real" if known else "unpatched"


def _features(result: StudyResult) -> str:
    """The name of the network behind the study's FIDs; empty where its configuration is gone."""
    settings = result.config.get("quality")
    return str(settings.get("features", "")) if isinstance(settings, Mapping) else ""


def _latencies(
    member: FrontMember, base: FrontMember
) -> tuple[float | None, float | None, float | None]:
    """Latencies of the member and the baseline and the speed-up, all timed end to end or all from
    the cost table. Timed speed-ups are of runs in turns: a quotient of the two latencies has the
    changes of the machine's speed in it."""
    if member.timing is not None and base.timing is not None:
        return member.timing.latency_s, base.timing.latency_s, member.timed_speedup
    return member.record.latency_s, base.record.latency_s, member.record.speedup
