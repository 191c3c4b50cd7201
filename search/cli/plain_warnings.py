"""Warnings as a person reads them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Show warnings, for example of other weights, without the line of code that raised them."""

    def say(message: Warning | str, *_: Any, **__: Any) -> None:
        print(f"dato-search: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = say
        yield
