"""What every group of settings has in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from search.settings.duration import parse_duration


class Settings(BaseModel):
    """Base of all groups: immutable, and unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def duration_text(value: Any) -> str | None:
    """``value`` as the text of a duration. Raises ValueError when it is none."""
    if value is None:
        return None
    parse_duration(str(value))
    return str(value)
