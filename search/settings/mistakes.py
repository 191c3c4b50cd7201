"""What is wrong with a setting: pydantic's findings as "setting=value: fault. remedy."."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from search.nearest import did_you_mean
from search.wording import shown

Words = tuple[str, str]
"""Fault and remedy, behind "setting=value"."""


def sentences(error: ValidationError) -> list[str]:
    """All findings; a list is not called short for an item that is wrong itself."""
    items = error.errors(include_url=False)
    wrong = {item["loc"][:-1] for item in items}
    return [
        _sentence(item)
        for item in items
        if not (item["type"] == "too_short" and item["loc"] in wrong)
    ]


def _sentence(item: ErrorDetails) -> str:
    """One finding as the fault with its value, then the remedy.

    A rule of this package says both itself. One about a single setting says the value, and gets the
    setting's name before it; one about several settings names them all.
    """
    path = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{path}: there is no such setting. Remove it, or check its spelling."
    if item["type"] == "missing":
        return f"{path}: the setting is missing. Add it."
    if item["type"] == "value_error":
        words = item["msg"].removeprefix("Value error, ")
        of_several = not path or isinstance(item["input"], Mapping)
        return words if of_several else f"{path}: {words}"
    words_of = _WORDS.get(item["type"], _otherwise)
    fault, remedy = words_of(item.get("ctx", {}), item)
    return f"{path}={shown(item['input'])} {fault}. {remedy}."


def _wrong_word(limits: Mapping[str, Any], item: ErrorDetails) -> Words:
    expected = str(limits["expected"])
    names = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    remedy = f"{did_you_mean(str(item['input']), names)}Choose {expected.replace(chr(39), '')}"
    return "is unknown", remedy


def _otherwise(_: Mapping[str, Any], item: ErrorDetails) -> Words:
    said = item["msg"]
    return f"does not fit: {said[0].lower()}{said[1:]}", "Change it"


_INTEGER: Words = "is not an integer", "Write one, without quotes or a decimal point"
_NUMBER: Words = "is not a number", "Write one, without quotes"
_WORDS: Mapping[str, Callable[[Mapping[str, Any], ErrorDetails], Words]] = {
    "greater_than_equal": lambda limits, _: ("is too small", f"Take at least {limits['ge']:g}"),
    "greater_than": lambda limits, _: ("is too small", f"Take more than {limits['gt']:g}"),
    "less_than_equal": lambda limits, _: ("is too large", f"Take at most {limits['le']:g}"),
    "less_than": lambda limits, _: ("is too large", f"Take less than {limits['lt']:.12g}"),
    "finite_number": lambda *_: ("is not finite", "Write a number"),
    "int_type": lambda *_: _INTEGER,
    "int_parsing": lambda *_: _INTEGER,
    "int_from_float": lambda *_: _INTEGER,
    "float_type": lambda *_: _NUMBER,
    "float_parsing": lambda *_: _NUMBER,
    "bool_type": lambda *_: ("is neither true nor false", "Write true or false"),
    "bool_parsing": lambda *_: ("is neither true nor false", "Write true or false"),
    "string_type": lambda *_: (
        "is not a text",
        "Write one, in quotes where it looks like a number",
    ),
    "string_too_short": lambda *_: ("is empty", "Write a text"),
    "string_too_long": lambda limits, _: (
        "is too long",
        f"Write at most {limits['max_length']} characters",
    ),
    "string_pattern_mismatch": lambda *_: (
        "is not one word",
        "Leave out blanks, quotes and line ends",
    ),
    "too_short": lambda *_: ("is empty", "Give at least one, or null"),
    "tuple_type": lambda *_: ("is not a list", "Write [..., ...]"),
    "mapping_type": lambda *_: ("is not a group of settings", "Write {KEY: VALUE}"),
    "dict_type": lambda *_: ("is not a group of settings", "Write {KEY: VALUE}"),
    "model_type": lambda *_: ("is not a group of settings", "Write its settings one by one"),
    "literal_error": _wrong_word,
}
