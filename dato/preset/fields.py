"""The types, spellings and sizes of what a preset file holds. Imports no torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, FailFast, Field

MAX_KINDS = 1_024
MAX_STEPS = 10_000
MAX_SETTINGS = 100
MAX_TEXT = 200
"""Characters of a setting that is a text."""

Text = Annotated[str, Field(max_length=1_000)]
_PART = "[A-Za-z0-9][A-Za-z0-9_.+-]*"
Name = Annotated[str, Field(max_length=200, pattern=f"^{_PART}(/{_PART})*$")]
ModelId = Annotated[str, Field(min_length=1, max_length=1_000)]
Fingerprint = Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")]
ClassName = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
SettingName = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Setting = bool | int | float | Annotated[str, Field(max_length=MAX_TEXT)]
"""A plain value of a scheduler's configuration."""
KindName = Annotated[str, Field(min_length=1, max_length=200)]
LayerName = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$")]
CallNumber = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,4})$")]
Branches = Annotated[int, Field(ge=1, le=1_000)]
Size = Annotated[int, Field(ge=1, le=65_536)]
Count = Annotated[int, Field(ge=1, le=MAX_STEPS)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]

Several = FailFast()
"""Stops at the first wrong item, so that a file of nothing but mistakes is refused at once. For
objects this needs pydantic 2.14."""


class StrictModel(BaseModel):
    """Strict: no unknown keys, no conversions (``1.0`` is no integer, ``true`` no number)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
