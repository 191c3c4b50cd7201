"""From the text of a preset file to plain data, and back.

:mod:`json` reads a file before pydantic does: pydantic's own reader silently takes the last of two
equal keys, and a file of version 1 is brought up to date in between.
"""

from __future__ import annotations

import json
from collections import Counter

from dato.errors import DuplicateKeyError, NotJsonError, TooLargeError, TypeRuleError

MAX_BYTES = 1_000_000
MAX_KEYS = 10_000
"""``weights`` has at most as many keys as a schedule has calls."""
MAX_ENTRIES = 1_024
"""Every other object has at most as many keys as there may be kinds. So a file has few mistakes
to list, whatever its size."""
MAX_BRACKETS = 40_000
"""Objects and lists cost the most time to read. A schedule of 10,000 calls, each with weights, has
about 12,000; brackets in texts count too, because counting is quick only then."""
MAX_DIGITS = 18
"""An integer of 18 digits fits 64 bits and has a float."""


def shorten(value: object) -> str:
    """``value`` in a sentence: scalars as a file spells them, everything else by its size."""
    if isinstance(value, str):
        return repr(cut(value))
    if isinstance(value, dict):
        return f"an object with {len(value)} key{'s' * (len(value) != 1)}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)} item{'s' * (len(value) != 1)}"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return repr(value) if isinstance(value, int | float) else type(value).__name__


def cut(text: str) -> str:
    """At most 80 characters of a text."""
    return text if len(text) <= 80 else text[:77] + "..."


def check_size(text: str) -> None:
    """Raise :class:`TooLargeError` for a text above :data:`MAX_BYTES`."""
    if len(text) > MAX_BYTES:
        raise TooLargeError(
            f"The text has {len(text):,} bytes or more: a preset has at most {MAX_BYTES:,}.",
            remedy="Is this a preset? A usual one has a few thousand.",
        )


def parse(text: str) -> object:
    """Plain data of a JSON text.

    Raises:
        NotJsonError, DuplicateKeyError, TooLargeError: the text breaks the rule of that name.
    """
    check_size(text)
    _check_brackets(text)
    try:
        value: object = json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise NotJsonError(
            f"The text is not JSON ({error.msg}, line {error.lineno}, column {error.colno}).",
            remedy="Correct the text there.",
        ) from error
    except RecursionError as error:
        raise too_deep() from error
    _check_entries("", value)
    return value


def to_text(data: object) -> str:
    """JSON of plain data that a program made.

    Raises:
        TypeRuleError: the data holds something that JSON cannot, or itself.
    """
    try:
        return json.dumps(data, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeRuleError(
            f"The data cannot be written as JSON ({error}).",
            remedy="Use dicts, lists, text, numbers, true, false and None.",
        ) from error


def to_bytes(value: object) -> bytes:
    """JSON of what :func:`parse` returned, for pydantic.

    Raises:
        TypeRuleError: a text has a lone surrogate, which UTF-8 cannot hold.
        TooLargeError: the values are nested too deep.
    """
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise TypeRuleError(
            f"A text has {error.object[error.start]!r}, half of a character (a lone surrogate).",
            remedy="Write the character as UTF-8.",
        ) from error
    except RecursionError as error:
        raise too_deep() from error


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(pairs) > MAX_KEYS:
        raise TooLargeError(
            f"An object has {len(pairs):,} keys, more than {MAX_KEYS:,}.", remedy="Remove some."
        )
    if len(content) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = max(counts, key=counts.__getitem__)
        raise DuplicateKeyError(
            f"The key {shorten(twice)} occurs twice in one object.", remedy="Remove one of them."
        )
    for name, value in pairs:
        if name != "weights":
            _check_entries(name, value)
    return content


def _check_entries(name: str, value: object) -> None:
    if isinstance(value, dict) and len(value) > MAX_ENTRIES:
        raise TooLargeError(
            f"{cut(name) or 'The preset'} has {len(value):,} keys, more than {MAX_ENTRIES:,}.",
            remedy="Remove some.",
        )


def _check_brackets(text: str) -> None:
    brackets = text.count("[") + text.count("{")
    if brackets > MAX_BRACKETS:
        raise TooLargeError(
            f"The text opens {brackets:,} objects and lists, more than {MAX_BRACKETS:,}.",
            remedy="Is this a preset? A usual one has a few dozen.",
        )


def _integer(digits: str) -> int:
    count = len(digits.lstrip("-"))
    if count > MAX_DIGITS:
        raise TooLargeError(
            f"An integer has {count:,} digits, more than {MAX_DIGITS}.",
            remedy="Shorten it.",
        )
    return int(digits)


def too_deep() -> TooLargeError:
    """The error for values nested so deep that a reader gives up."""
    return TooLargeError("Values are nested too deep.", remedy="A preset needs five levels.")
