"""Trials and fronts as JSON files. Reading them back is strict.

``trials.json`` holds one trial a line; ``front.json`` everything else of a :class:`StudyResult`.
Without real images there is no FID to them: NaN in memory, ``null`` in a file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from pydantic import ValidationError

from dato.errors import DatoError
from dato.files import replace_text
from search.errors import UserError
from search.records.base_sampler import Base
from search.records.folder import StudyFolder
from search.records.reading import LARGE, read_text
from search.records.record import FrontMember, Quality, Rival, StudyResult, TrialRecord
from search.records.schema import (
    FRONT_FIELDS,
    FrontFile,
    MembersFile,
    QualityWire,
    RivalsFile,
    RivalWire,
    TrialsFile,
    TrialWire,
    schedule_to_dict,
)
from search.records.timesteps import OWN_TIMESTEPS, Timesteps

FORMATS = {
    "trials": "dato-trials",
    "front": "dato-front",
    "members": "dato-members",
    "rivals": "dato-rivals",
}
VERSION = 1
REMEDY = "Resume the study to write it again."


def trials_to_json(records: Iterable[TrialRecord]) -> str:
    """The text of ``trials.json``."""
    lines = ",\n".join(_dumps(_trial(record)) for record in records)
    head = _dumps({"format": FORMATS["trials"], "version": VERSION})[:-1]
    return f'{head}, "trials": [\n{lines}\n]}}\n'


def trials_from_json(text: str, source: str = "trials.json") -> tuple[TrialRecord, ...]:
    """The trials in a text that :func:`trials_to_json` wrote.

    Raises:
        UserError: the text is not JSON, has an unknown or missing key, a wrong type, or a schedule
            that breaks a rule.
    """
    try:
        parsed = TrialsFile.model_validate_json(text)
        return tuple(trial.to_record() for trial in parsed.trials)
    except (ValidationError, DatoError) as error:
        raise _unreadable(source, error) from error


def front_to_json(result: StudyResult) -> str:
    """The text of ``front.json``: the result without its trials."""
    plain = {name: getattr(result, name) for name in FRONT_FIELDS}
    value = {
        "format": FORMATS["front"],
        "version": VERSION,
        **plain,
        "versions": dict(result.versions),
        "baseline": None if result.baseline is None else _member(result.baseline),
        "front": [_member(member) for member in result.front],
        "rivals": [_rival(rival) for rival in result.rivals],
        "config": dict(result.config),
    }
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def result_from_json(trials: str, front: str) -> StudyResult:
    """The result in the texts of both files.

    Raises:
        UserError: see :func:`trials_from_json`.
    """
    records = trials_from_json(trials)
    try:
        return FrontFile.model_validate_json(front).to_result(records)
    except (ValidationError, DatoError) as error:
        raise _unreadable("front.json", error) from error


def save_trials(records: Iterable[TrialRecord], folder: StudyFolder) -> None:
    """Write ``trials.json``."""
    replace_text(folder.trials, trials_to_json(records))


def save_result(result: StudyResult, folder: StudyFolder) -> None:
    """Write ``trials.json`` and ``front.json``."""
    save_trials(result.records, folder)
    replace_text(folder.front, front_to_json(result))


def load_result(folder: StudyFolder) -> StudyResult:
    """The result that :func:`save_result` wrote.

    Raises:
        UserError: a file is missing or broken.
    """
    trials, front = (read_text(path, REMEDY, LARGE) for path in (folder.trials, folder.front))
    return result_from_json(trials, front)


def members_to_json(members: Iterable[FrontMember], path: Path) -> None:
    """Write audited members to ``path``."""
    value = {
        "format": FORMATS["members"],
        "version": VERSION,
        "members": [_member(member) for member in members],
    }
    replace_text(path, json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def members_from_json(path: Path) -> tuple[FrontMember, ...]:
    """The members that :func:`members_to_json` wrote.

    Raises:
        UserError: the file is broken.
    """
    try:
        parsed = MembersFile.model_validate_json(read_text(path, REMEDY, LARGE))
        return tuple(member.to_member() for member in parsed.members)
    except (ValidationError, DatoError) as error:
        raise _unreadable(path.name, error) from error


def save_rivals(rivals: Iterable[Rival], path: Path) -> None:
    """Write rivals to ``path``."""
    value = {
        "format": FORMATS["rivals"],
        "version": VERSION,
        "rivals": [_rival(rival) for rival in rivals],
    }
    text = json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False)
    replace_text(path, text + "\n")


def load_rivals(path: Path) -> tuple[Rival, ...]:
    """The rivals that :func:`save_rivals` wrote; none where there is no file.

    Raises:
        UserError: the file is broken.
    """
    if not path.is_file():
        return ()
    try:
        parsed = RivalsFile.model_validate_json(read_text(path, REMEDY, LARGE))
    except ValidationError as error:
        raise _unreadable(path.name, error) from error
    return tuple(rival.to_rival() for rival in parsed.rivals)


def _trial(record: TrialRecord) -> dict[str, object]:
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


def _base(base: Base) -> dict[str, object]:
    plain = {"scheduler": base.scheduler, "steps": base.steps, "settings": dict(base.settings)}
    return plain | _given(base.timesteps)


def _given(timesteps: Timesteps) -> dict[str, object]:
    """Nothing for a scheduler's own timesteps: so older versions read what they know."""
    given = {"source": timesteps.source, "values": timesteps.values}
    return {} if timesteps == OWN_TIMESTEPS else {"timesteps": given}


def _quality(quality: Quality | None) -> dict[str, object] | None:
    if quality is None:
        return None
    values = {
        name: None if math.isnan(value) else value
        for name in QualityWire.model_fields
        if name not in ("metrics", "prompts")
        for value in [getattr(quality, name)]
    }
    prompts = {"prompts": quality.prompts} if quality.prompts else {}
    return {**values, "metrics": dict(quality.metrics), **prompts}


def _member(member: FrontMember) -> dict[str, object]:
    return {
        "name": member.name,
        "record": _trial(member.record),
        "heldout": _quality(member.heldout),
        "interval": member.interval,
        "timing": None if member.timing is None else asdict(member.timing),
        "speedup": member.timed_speedup,
        "elsewhere": dict(member.elsewhere),
        "audit": None if member.audit is None else asdict(member.audit),
    }


def _rival(rival: Rival) -> dict[str, object]:
    plain = [name for name in RivalWire.model_fields if name not in ("speedup", "timesteps")]
    return {
        **{name: getattr(rival, name) for name in plain},
        **_given(rival.timesteps),
        "speedup": rival.priced_speedup,
        "quality": _quality(rival.quality),
        "heldout": _quality(rival.heldout),
        "timing": None if rival.timing is None else asdict(rival.timing),
        "settings": dict(rival.settings),
        "effective": dict(rival.effective),
    }


def _dumps(value: object) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def _unreadable(source: str, error: ValidationError | DatoError) -> UserError:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part)[:80] for part in first["loc"]) or "the file"
        error_text = f"{place}: {first['msg']}"
    else:
        error_text = str(error)
    return UserError(f"{source} does not follow its format ({error_text[:500]}). {REMEDY}")
