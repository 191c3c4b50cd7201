"""Entry point: parse, dispatch, and turn the user's mistakes into one sentence and exit code 2."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

from dato.errors import DatoError
from search.cli.interrupted import INTERRUPTED
from search.cli.output import GONE, lasting_output
from search.cli.parser import build_parser
from search.cli.plain_characters import show_on_any_terminal
from search.errors import FULL, RESUME, UNUSABLE, UserError
from search.secrets import without_passwords

USER_MISTAKE = 2


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse; overrides may stand anywhere among options, which argparse alone refuses."""
    parser = build_parser()
    options, rest = parser.parse_known_args(arguments)
    stray = [text for text in rest if text.startswith("-") or "overrides" not in options]
    if stray:
        parser.error(f"unrecognized arguments: {' '.join(stray)}")
    if rest:
        options.overrides = [*options.overrides, *rest]
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        exit code: 0 done, 2 the user's mistake, 130 interrupted.
    """
    show_on_any_terminal()
    with lasting_output() as output:
        options = _parse(arguments)
        output.goes_on = options.goes_on and not getattr(options, "show", False)
        code = _run(options, sys.argv[1:] if arguments is None else arguments)
    if output.lost is None or output.lost.errno in GONE:
        return code
    return _mistake(
        f"Cannot write standard output: {output.lost.strerror}. Send it to another place."
    )


def _run(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    """Run the command; its exit code."""
    try:
        _check_text(arguments)
        with _terminated_as_interrupted():
            code: int = options.run(options)
            return code
    except (UserError, DatoError) as error:
        return _mistake(str(error).replace(RESUME, "the same command"))
    except OSError as error:
        if error.errno not in UNUSABLE or error.filename is None:
            raise
        remedy = "Make room" if error.errno in FULL else "Make it readable and writable"
        return _mistake(
            f"Cannot use {os.fsdecode(error.filename)!r}: {error.strerror}. {remedy}, or choose "
            "another place."
        )
    except KeyboardInterrupt:
        print("dato-search: interrupted.", file=sys.stderr)
        return INTERRUPTED


def _check_text(arguments: Sequence[str]) -> None:
    """Raise UserError for bytes that are no text. Python hands them over as lone surrogates, which
    no tokenizer takes and no file of a study holds."""
    for argument in arguments:
        try:
            argument.encode("utf-8")
        except UnicodeEncodeError as error:
            raise UserError(
                f"The argument {argument!r} has bytes that are no UTF-8 text, at character "
                f"{error.start + 1}. Type it in a terminal that writes UTF-8, or rename the file."
            ) from error


def _mistake(text: str) -> int:
    print(f"dato-search: {without_passwords(text)}", file=sys.stderr)
    return USER_MISTAKE


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM, which ``kill`` and schedulers send, ends the block as Ctrl-C does."""
    default = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if not default or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
