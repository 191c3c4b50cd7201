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
from search.cli.parser import build_parser
from search.cli.plain_characters import show_on_any_terminal
from search.errors import RESUME, UNUSABLE, UserError
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
    options = _parse(arguments)
    try:
        with _terminated_as_interrupted():
            code: int = options.run(options)
            sys.stdout.flush()
            return code
    except (UserError, DatoError) as error:
        return _mistake(str(error).replace(RESUME, "the same command"))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in UNUSABLE or error.filename is None:
            raise
        return _mistake(
            f"Cannot use {os.fsdecode(error.filename)!r}: {error.strerror}. Make it readable and "
            "writable, or choose another place."
        )
    except KeyboardInterrupt:
        print("dato-search: interrupted.", file=sys.stderr)
        return INTERRUPTED


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
