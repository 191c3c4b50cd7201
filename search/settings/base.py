"""What every group of settings has in common."""

from __future__ import annotations

import os
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from search.settings.duration import parse_duration


def expanded(path: str) -> str:
    """The path with ``~`` as the home folder, as shells have it. Raises ValueError."""
    absolute = os.path.expanduser(path)
    if absolute.startswith("~") and absolute.partition("/")[0] != "~":
        name = absolute.partition("/")[0]
        raise ValueError(
            f"{name!r} is no user's home folder here. Write the path out, or ./{name}."
        )
    return absolute


Location = Annotated[str, AfterValidator(expanded)]
"""A path, or a name that stands where a path may: ``~`` is the home folder."""


class Settings(BaseModel):
    """Base of all groups: immutable, and unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def duration_text(value: Any) -> str | None:
    """``value`` as the text of a duration. Raises ValueError when it is none."""
    if value is None:
        return None
    parse_duration(str(value))
    return str(value)
