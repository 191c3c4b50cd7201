"""Entry point: parse, dispatch, and turn the user's mistakes into one sentence and exit code 2."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

from dato import DatoError
from search.cli.interrupted import INTERRUPTED
from search.cli.parser import build_parser
from search.errors import UserError
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
    options = _parse(arguments)
    try:
        code: int = options.run(options)
        return code
    except (UserError, DatoError) as error:
        print(f"dato-search: {without_passwords(str(error))}", file=sys.stderr)
        return USER_MISTAKE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("dato-search: interrupted.", file=sys.stderr)
        return INTERRUPTED
