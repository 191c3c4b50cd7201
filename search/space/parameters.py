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
