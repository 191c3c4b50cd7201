"""From the bytes of a preset file to plain data, refusing what JSON readers disagree about."""

from __future__ import annotations

import json
import math

from dato.errors import (
    DuplicateKeyError,
    NotFiniteError,
    NotJsonError,
    TooLargeError,
    TypeRuleError,
)

MAX_BYTES = 1_000_000
MAX_NESTING = 16
MAX_DIGITS = 18
"""An integer of 18 digits fits 64 bits and has a float."""


def shorten(value: object) -> object:
    """``value`` as an error should show it: scalars as they are, everything else by its size."""
    if isinstance(value, str):
        return value if len(value) <= 80 else value[:77] + "..."
    if isinstance(value, dict):
        return f"an object with {len(value)} keys"
    if isinstance(value, list):
        return f"a list of {len(value)} items"
    return value if isinstance(value, int | float) else "null" if value is None else type(value)


def check_size(text: str) -> None:
    """Raise :class:`TooLargeError` for a text above :data:`MAX_BYTES`."""
    if len(text) > MAX_BYTES:
        raise TooLargeError(
            f"A preset has at most {MAX_BYTES:,} bytes.",
            found=f"{len(text):,} or more",
            remedy="Is this a preset? A usual one has a few thousand.",
        )


def parse(text: str) -> object:
    """Plain data of a JSON text; see the raised errors of :func:`check_plain` as well.

    Raises:
        NotJsonError, DuplicateKeyError, NotFiniteError, TooLargeError, TypeRuleError.
    """
    check_size(text)
    if text.startswith("\ufeff"):
        raise NotJsonError(
            "JSON starts without a byte-order mark.", found="U+FEFF", remedy="Save without BOM."
        )
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_float,
        )
    except json.JSONDecodeError as error:
        raise NotJsonError(
            f"A preset is JSON ({error.msg}, line {error.lineno}, column {error.colno}).",
            remedy="Correct the text there.",
        ) from error
    except RecursionError as error:
        raise _too_deep() from error
    check_plain(value)
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise DuplicateKeyError(
                "A key occurs once in an object.", found=shorten(key), remedy="Remove one of them."
            )
        found[key] = value
    return found


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise TooLargeError(
            f"An integer has at most {MAX_DIGITS} digits.",
            found=f"{len(digits)} characters",
            remedy="Shorten it.",
        )
    return int(digits)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NotFiniteError(
            "A number is finite.",
            found=shorten(text),
            remedy='Use "measured": null if nothing was measured.',
        )
    return value


def _too_deep() -> TooLargeError:
    return TooLargeError(
        f"Values are nested at most {MAX_NESTING} deep.", remedy="A preset needs five levels."
    )


def check_plain(value: object, level: int = 0) -> None:
    """Check that ``value`` is what JSON can hold: no NaN, lone surrogate, or other type."""
    if level > MAX_NESTING:
        raise _too_deep()
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeRuleError("A key is text.", found=shorten(key), remedy="Quote it.")
            check_plain(key, level)
            check_plain(item, level + 1)
    elif isinstance(value, list):
        for item in value:
            check_plain(item, level + 1)
    elif isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise TypeRuleError(
                "Text has no lone surrogates.", found=shorten(value), remedy="Write it as UTF-8."
            )
    elif isinstance(value, float):
        _float(repr(float(value)))
    elif isinstance(value, int):
        if abs(value) >= 10**MAX_DIGITS:
            raise TooLargeError(
                f"An integer has at most {MAX_DIGITS} digits.", remedy="Shorten it."
            )
    elif value is not None:
        raise TypeRuleError(
            "Values are those of JSON.", found=type(value).__name__, remedy="Convert it."
        )
