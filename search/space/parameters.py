"""A named dimension of a bound space."""

from __future__ import annotations

from dataclasses import dataclass

from search.space.domains import Domain, Trial, Value


@dataclass(frozen=True)
class Parameter:
    """One dimension of the search.

    Args:
        name: path in the space, such as ``"refresh.interval"`` or ``"calls.depth.07"``.
        domain: values that it can take, more than one.
    """

    name: str
    domain: Domain

    def suggest(self, trial: Trial) -> Value:
        """Draw a value through the trial's ``suggest_*``."""
        return self.domain.suggest(trial, self.name)


def at_call(name: str, call: int, calls: int) -> str:
    """Name of what has a value of its own at each call of a run, such as ``"calls.depth.07"``."""
    return f"{name}.{call:0{max(2, len(str(calls - 1)))}d}"
