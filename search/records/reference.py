"""``reference.json`` of a study: what its unpatched model is, read without torch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from dato.preset.fields import Setting, SettingName, StrictModel
from search.records.base_sampler import Base
from search.records.folder import StudyFolder
from search.records.names import slug
from search.records.reading import read_model

VERSION = 1


class Reference(StrictModel):
    """``reference.json``: the drift of each call, the weights on which it was measured, and the
    settings of the scheduler that are not the defaults of its class; None in files of older
    versions, which did not look."""

    version: Literal[1]
    fingerprint: str = Field(max_length=200)
    drift: tuple[float, ...]
    settings: dict[SettingName, Setting] | None = None


def base_path(folder: StudyFolder, base: Base, suffix: str) -> Path:
    """A file about a base. A digest keeps labels apart that read alike as names."""
    digest = hashlib.sha256(base.label.encode()).hexdigest()[:8]
    return folder.bases / f"{slug(base.label)[:60]}-{digest}{suffix}"


def settings_of_bases(
    folder: StudyFolder, bases: Iterable[Base | None]
) -> Mapping[Base, Mapping[str, Setting]]:
    """The settings of some bases' schedulers, of those that a study has kept."""
    paths = {base: base_path(folder, base, ".json") for base in bases if base is not None}
    kept = {base: read_drift(path).settings for base, path in paths.items() if path.is_file()}
    return {base: settings for base, settings in kept.items() if settings is not None}


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
    return read_model(path, Reference, "Start the study anew.")
