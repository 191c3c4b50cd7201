"""``reference.json`` of a study: what its unpatched model is, read without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from search.errors import UserError
from search.records.folder import StudyFolder
from search.records.reading import read_text

VERSION = 1


class Reference(BaseModel):
    """``reference.json``: the drift of each call, and the weights on which it was measured."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    version: Literal[1]
    fingerprint: str = Field(max_length=200)
    drift: tuple[float, ...]


def read_reference(folder: StudyFolder) -> Reference:
    """A study's ``reference.json``.

    Raises:
        UserError: it is missing or broken.
    """
    return read_drift(folder.reference)


def read_drift(path: Path) -> Reference:
    """A file like ``reference.json``, which bases have too.

    Raises:
        UserError: it is missing or broken.
    """
    remedy = "Start the study anew."
    try:
        return Reference.model_validate_json(read_text(path, remedy))
    except ValueError as error:
        raise UserError(f"Cannot read {str(path)!r}: it is damaged. {remedy}") from error
