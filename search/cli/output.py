"""Standard output and error of a command that goes on when nobody reads them any more."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

GONE = frozenset({errno.EPIPE, errno.EIO})
"""What writing gives once the reader of a pipe has left or a terminal was closed."""


class Output:
    """A standard stream that drops what cannot be written, from the first failure on.

    Whoever prints is then not to blame: a study is not ended, and no file of it suspected, because
    ``| head`` has seen enough.

    Args:
        stream: of the process.

    Attributes:
        goes_on: whether to say on standard error that the command goes on, because what it does is
            worth more than what it prints.
        lost: why nothing is written any more.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.goes_on = False
        self.lost: OSError | None = None

    def write(self, text: str) -> int:
        """Write ``text`` or drop it."""
        if self.lost is None:
            try:
                return self._stream.write(text)
            except OSError as error:
                self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Pass on what was written, or drop it."""
        if self.lost is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._lose(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _lose(self, error: OSError) -> None:
        self.lost = error
        # What the stream still holds would fail again when Python ends.
        with suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), self._stream.fileno())
        if self.goes_on:
            print(
                f"dato-search: standard output cannot be written any more ({error.strerror}). The "
                "command goes on without it.",
                file=sys.stderr,
                flush=True,
            )


@contextmanager
def lasting_output() -> Iterator[Output]:
    """Standard output and error as :class:`Output` inside the block; the former of them."""
    before = sys.stdout, sys.stderr
    out, err = Output(_opened(1)), Output(_opened(2))
    sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, err)
    try:
        yield out
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = before


def _opened(number: int) -> TextIO:
    """The standard stream of a file descriptor; one that the caller has closed leads nowhere, so
    that no file of a study gets its number and what is printed."""
    stream = (sys.stdout, sys.stderr)[number - 1]
    if stream is not None:
        return stream
    try:
        os.fstat(number)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.set_inheritable(number, True)
        if nowhere != number:
            os.close(nowhere)
    return open(os.devnull, "w", encoding="utf-8")
