"""Output that no terminal refuses: what its encoding lacks is replaced by plain characters."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata
from typing import TextIO

PLAIN = "dato-plain"
"""Name of the error handler of encodings."""

_SIGNS = {
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{DAGGER}": "+",
    "\N{MIDDLE DOT}": ".",
    "\N{BLACK CIRCLE}": "o",
    "\N{WHITE CIRCLE}": "o",
    "\N{BULLET}": "*",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{FULL BLOCK}": "#",
    **{character: str(height) for height, character in enumerate("▁▂▃▄▅▆▇")},
}
"""The bars of a strip become their depth's rank; ``#`` is a full call."""

_BOXES = {"HORIZONTAL": "-", "VERTICAL": "|"}


def show_on_any_terminal() -> None:
    """Let standard output and error replace what their encodings lack."""
    codecs.register_error(PLAIN, _replaced)
    for stream in (sys.stdout, sys.stderr):
        _forgive(stream)


def _forgive(stream: TextIO) -> None:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=PLAIN)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(map(_plain, lacking)), error.end


def _plain(character: str) -> str:
    """ASCII for one character; ``?`` where there is none that resembles it."""
    if character in _SIGNS:
        return _SIGNS[character]
    name = unicodedata.name(character, "")
    if name.startswith("BOX DRAWINGS"):
        return next((sign for word, sign in _BOXES.items() if name.endswith(word)), "+")
    bare = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return bare or "?"
