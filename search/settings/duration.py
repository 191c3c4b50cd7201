"""Durations as people write them: ``"2h"``, ``"90m"``, ``"1h30m"``, ``"45s"``."""

from __future__ import annotations

import re

_NUMBER = r"(\d+(?:\.\d+)?)"
_DURATION = re.compile(rf"(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?")
_SECONDS = (3600.0, 60.0, 1.0)
EXAMPLES = "Write a duration such as 2h, 90m, 1h30m or 45s."


def parse_duration(text: str) -> float:
    """Seconds of a duration in hours, minutes and seconds, each with its unit and in that order.

    Raises:
        ValueError: the text is no duration, or not longer than 0.
    """
    match = _DURATION.fullmatch(text.replace(" ", ""))
    if not text.strip() or match is None:
        raise ValueError(f"{text!r} is not a duration. {EXAMPLES}")
    seconds = sum(
        float(part) * unit for part, unit in zip(match.groups(), _SECONDS, strict=True) if part
    )
    if seconds <= 0:
        raise ValueError(f"{text!r} is too short: it lasts no time. {EXAMPLES}")
    return seconds


def duration_text(seconds: float) -> str:
    """``seconds`` rounded to whole ones, such as ``"1h30m"``; parts that are 0 are left out."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"
