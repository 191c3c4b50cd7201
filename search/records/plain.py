"""Trials, members and rivals as the plain data that their files hold.

What is as in older versions is left out where these had no key for it, so that they can still read
the file.
"""

from __future__ import annotations

import math
from dataclasses import asdict, fields

from search.records.base_sampler import Base
from search.records.front import FrontMember
from search.records.quality import Quality
from search.records.record import TrialRecord
from search.records.rival import Rival
from search.records.schema import TrialWire, schedule_to_dict
from search.records.timesteps import OWN_TIMESTEPS, Timesteps


def plain_trial(record: TrialRecord) -> dict[str, object]:
    """One of ``trials.json``."""
    plain = {name: getattr(record, name) for name in TrialWire.model_fields}
    base, calls = plain.pop("base"), plain.pop("unpatched_calls")
    tuned_from = plain.pop("tuned_from")
    return {
        **plain,
        **({} if base is None else {"base": _base(base), "unpatched_calls": calls}),
        **({} if tuned_from is None else {"tuned_from": asdict(tuned_from)}),
        "params": dict(record.params),
        "violations": dict(record.violations),
        "schedule": None if record.schedule is None else schedule_to_dict(record.schedule),
        "quality": _quality(record.quality),
        "reason": record.reason.encode("utf-8", "replace").decode("utf-8"),
    }


def plain_member(member: FrontMember) -> dict[str, object]:
    """One of the members in ``front.json``."""
    return {
        "name": member.name,
        "record": plain_trial(member.record),
        "heldout": _quality(member.heldout),
        "interval": member.interval,
        "timing": None if member.timing is None else asdict(member.timing),
        "speedup": member.timed_speedup,
        "elsewhere": dict(member.elsewhere),
        "audit": None if member.audit is None else asdict(member.audit),
    }


def plain_rival(rival: Rival) -> dict[str, object]:
    """One of ``rivals.json``."""
    plain = {field.name: getattr(rival, field.name) for field in fields(rival)}
    priced, timesteps = plain.pop("priced_speedup"), plain.pop("timesteps")
    return {
        **plain,
        **_given(timesteps),
        "speedup": priced,
        "quality": _quality(rival.quality),
        "heldout": _quality(rival.heldout),
        "timing": None if rival.timing is None else asdict(rival.timing),
        "settings": dict(rival.settings),
        "effective": dict(rival.effective),
    }


def _base(base: Base) -> dict[str, object]:
    plain = {"scheduler": base.scheduler, "steps": base.steps, "settings": dict(base.settings)}
    return plain | _given(base.timesteps)


def _given(timesteps: Timesteps) -> dict[str, object]:
    """Nothing for a scheduler's own timesteps."""
    return {} if timesteps == OWN_TIMESTEPS else {"timesteps": asdict(timesteps)}


def _quality(quality: Quality | None) -> dict[str, object] | None:
    if quality is None:
        return None
    return {
        "fid_real": _known(quality.fid_real),
        "fid_reference": _known(quality.fid_reference),
        "distance": _known(quality.distance),
        "images": quality.images,
        "metrics": dict(quality.metrics),
        **({"prompts": quality.prompts} if quality.prompts else {}),
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
