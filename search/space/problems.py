"""Collects every mistake of a configuration, so that all are reported at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from search.errors import ConfigError
from search.nearest import did_you_mean
from search.wording import listed, shown


class Problems:
    """Mistakes so far, each as "path: fault. remedy." Said twice, one counts once."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def add(self, path: str, fault: str, remedy: str) -> None:
        """Record one mistake.

        Args:
            fault: what is wrong now, with the value in it, as a sentence without its full stop.
            remedy: what to write instead, as a sentence without its full stop.
        """
        sentence = f"{path}: {fault}. {remedy}."
        if sentence not in self.sentences:
            self.sentences.append(sentence)

    def unknown(self, path: str, name: object, valid: Iterable[str], what: str) -> None:
        """Record a name that is not one of ``valid``, with the closest valid one."""
        names = list(valid)
        remedy = f"{did_you_mean(str(name), names)}Choose {listed(names)}"
        fault = f"there is no {what}" if name is None else f"{shown(name)} is no {what}"
        self.add(path, fault, remedy)

    def keys(self, path: str, table: Mapping[str, object], valid: Iterable[str]) -> None:
        """Record every key of ``table`` that is not valid."""
        names = tuple(valid)
        for key in table:
            if key not in names:
                self.unknown(join(path, str(key)), key, names, "key here")

    def raise_if_any(self, headline: str) -> None:
        """Raise :class:`ConfigError` with all mistakes, if there are any."""
        if self.sentences:
            raise ConfigError(headline, self.sentences)


def join(*parts: str) -> str:
    """Dotted path of the non-empty ``parts``."""
    return ".".join(part for part in parts if part)
