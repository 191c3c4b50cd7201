"""Keeps passwords out of messages, reports, presets and trackers."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PASSWORD = re.compile(
    r"(?P<head>[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@'\"]*:)[^\s'\"]*(?=@)|(?P<key>[?&]password=)[^\s&'\"]*"
)


def without_passwords(text: str) -> str:
    """``text`` with ``***`` for the password of each URL, ``scheme://user:password@host`` or
    ``scheme://host?password=...``."""
    return _PASSWORD.sub(lambda match: f"{match['head'] or match['key']}***", text)


def plain_without_passwords(value: object) -> object:
    """The same for every text in plain data."""
    if isinstance(value, str):
        return without_passwords(value)
    if isinstance(value, Mapping):
        return {key: plain_without_passwords(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_without_passwords(item) for item in value]
    return value
