"""Trials and fronts as JSON files. Reading them back is strict.

``trials.json`` holds one trial a line; ``front.json`` everything else of a :class:`StudyResult`.
Without real images there is no FID to them: NaN in memory, ``null`` in a file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from dato.errors import DatoError
from dato.files import replace_text
from search.errors import UserError
from search.records.folder import StudyFolder
from search.records.front import FrontMember
from search.records.plain import plain_member, plain_rival, plain_trial
from search.records.reading import LARGE, read_text
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.records.rival import Rival
from search.records.schema import FRONT_FIELDS, FrontFile, MembersFile, RivalsFile, TrialsFile

File = TypeVar("File", bound=BaseModel)
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
    lines = ",\n".join(_dumps(plain_trial(record)) for record in records)
    head = _dumps({"format": FORMATS["trials"], "version": VERSION})[:-1]
    return f'{head}, "trials": [\n{lines}\n]}}\n'


def trials_from_json(text: str, source: str = "trials.json") -> tuple[TrialRecord, ...]:
    """The trials in a text that :func:`trials_to_json` wrote.

    Raises:
        UserError: the text is not JSON, has an unknown or missing key, a wrong type, or a schedule
            that breaks a rule.
    """
    return tuple(trial.to_record() for trial in _parsed(TrialsFile, text, source).trials)


def front_to_json(result: StudyResult) -> str:
    """The text of ``front.json``: the result without its trials."""
    plain = {name: getattr(result, name) for name in FRONT_FIELDS}
    nested = {
        "versions": dict(result.versions),
        "baseline": None if result.baseline is None else plain_member(result.baseline),
        "front": [plain_member(member) for member in result.front],
        "rivals": [plain_rival(rival) for rival in result.rivals],
        "config": dict(result.config),
    }
    return _indented("front", **plain | nested)


def result_from_json(trials: str, front: str) -> StudyResult:
    """The result in the texts of both files.

    Raises:
        UserError: see :func:`trials_from_json`.
    """
    records = trials_from_json(trials)
    return _parsed(FrontFile, front, "front.json").to_result(records)


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
    replace_text(path, _indented("members", members=[plain_member(member) for member in members]))


def members_from_json(path: Path) -> tuple[FrontMember, ...]:
    """The members that :func:`members_to_json` wrote.

    Raises:
        UserError: the file is broken.
    """
    parsed = _parsed(MembersFile, read_text(path, REMEDY, LARGE), path.name)
    return tuple(member.to_member() for member in parsed.members)


def save_rivals(rivals: Iterable[Rival], path: Path) -> None:
    """Write rivals to ``path``."""
    replace_text(path, _indented("rivals", rivals=[plain_rival(rival) for rival in rivals]))


def load_rivals(path: Path) -> tuple[Rival, ...]:
    """The rivals that :func:`save_rivals` wrote; none where there is no file.

    Raises:
        UserError: the file is broken.
    """
    if not path.is_file():
        return ()
    return _parsed(RivalsFile, read_text(path, REMEDY, LARGE), path.name).rivals


def _dumps(value: object) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def _indented(kind: str, **content: object) -> str:
    value = {"format": FORMATS[kind], "version": VERSION, **content}
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _parsed(kind: type[File], text: str, source: str) -> File:
    try:
        return kind.model_validate_json(text)
    except (ValidationError, DatoError) as error:
        raise _unreadable(source, error) from error


def _unreadable(source: str, error: ValidationError | DatoError) -> UserError:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part)[:80] for part in first["loc"]) or "the file"
        error_text = f"{place}: {first['msg']}"
    else:
        error_text = str(error)
    return UserError(f"{source} does not follow its format ({error_text[:500]}). {REMEDY}")
