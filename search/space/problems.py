"""Collects every mistake of a configuration, so that all are reported at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from search.errors import ConfigError


class Problems:
    """Mistakes found so far, each as "path: rule Found: value. remedy"."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, path: str, rule: str, remedy: str, *found: object) -> None:
        """Record one mistake; ``found`` is the offending value, left out where there is none."""
        values = "".join(f" Found: {value!r}." for value in found)
        self.found.append(f"{path}: {rule}{values} {remedy}")

    def unknown(self, path: str, name: object, valid: Iterable[str], what: str) -> None:
        """Record a name that is not one of ``valid``, with the closest valid one."""
        names = list(valid)
        close = difflib.get_close_matches(str(name), names, n=1)
        guess = f"Did you mean {close[0]!r}? " if close else ""
        self.add(path, f"Unknown {what}.", f"{guess}Valid: {', '.join(names)}.", name)

    def keys(self, path: str, table: Mapping[str, object], valid: Iterable[str]) -> None:
        """Record every key of ``table`` that is not valid."""
        names = tuple(valid)
        for key in table:
            if key not in names:
                self.unknown(join(path, str(key)), key, names, "key")

    def raise_if_any(self, source: str) -> None:
        """Raise :class:`ConfigError` with all mistakes, if there are any."""
        if self.found:
            raise ConfigError(source, self.found)


def join(*parts: str) -> str:
    """Dotted path of the non-empty ``parts``."""
    return ".".join(part for part in parts if part)
