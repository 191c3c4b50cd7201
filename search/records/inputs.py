"""``inputs.json``: digests of what a study was given, by which a changed input is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from dato.preset.fields import StrictModel
from search.records.folder import StudyFolder
from search.records.reading import read_model
from search.records.writing import write_json

VERSION = 1
REMEDY = "Put a copy of it back, or start a new sweep."

Short = Annotated[str, Field(max_length=200)]


class Inputs(StrictModel):
    """A digest of the content of each input, by its name."""

    version: Literal[1]
    inputs: dict[Short, Short]


def read_inputs(folder: StudyFolder) -> Mapping[str, str]:
    """The digests that a study keeps; none in a study from before they were kept.

    Raises:
        UserError: the file is broken.
    """
    return read_model(folder.inputs, Inputs, REMEDY).inputs if folder.inputs.exists() else {}


def keep_inputs(folder: StudyFolder, inputs: Mapping[str, str]) -> tuple[str, ...]:
    """Add inputs that are not kept yet.

    Returns:
        names of those that are kept with another digest. If there are any, nothing is added.
    """
    kept = read_inputs(folder)
    changed = tuple(name for name in inputs if kept.get(name, inputs[name]) != inputs[name])
    if not changed and not set(inputs) <= set(kept):
        write_json(folder.inputs, {"version": VERSION, "inputs": {**kept, **inputs}})
    return changed
