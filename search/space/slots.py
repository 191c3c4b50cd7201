"""What a place in the space language accepts, and what is wrong with a value that it does not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from search.space.domains import is_finite
from search.wording import listed, shown

Per = Literal["layer", "level", "call"]


@dataclass(frozen=True)
class Slot:
    """A place for numbers from ``low`` to ``high``, or for ``words``.

    Args:
        noun: what stands there, such as ``"an interval"``.
        integer: whether its numbers are integers.
        per: what an entry there may be repeated for.
        why: the reason for a limit that is not plain, such as ``"one token of each patch stays"``.
    """

    noun: str
    low: float = math.inf
    high: float = -math.inf
    integer: bool = False
    words: tuple[str, ...] = ()
    per: tuple[Per, ...] = ()
    why: str = ""

    def fault(self, value: object) -> str | None:
        """What is wrong with ``value``; ``None`` where it is accepted."""
        if isinstance(value, str) and value in self.words:
            return None
        if not self._takes_numbers or isinstance(value, bool) or not isinstance(value, int | float):
            return f"{shown(value)} cannot be {self.noun}"
        if self.integer and not isinstance(value, int):
            return f"{shown(value)} is no integer"
        if not is_finite(value):
            return f"{shown(value)} is not a finite number"
        if self.low <= value <= self.high:
            return None
        size = "small" if value < self.low else "large"
        reason = f": {self.why}" if self.why else ""
        return f"{shown(value)} is too {size} for {self.noun}{reason}"

    @property
    def wanted(self) -> str:
        """What is accepted, such as ``"an integer from 1 on"``."""
        words = [f'"{word}"' for word in self.words]
        if not self._takes_numbers:
            return listed(words)
        number = "an integer" if self.integer else "a number"
        end = " on" if self.high == math.inf else f" to {self.high:g}"
        return listed([f"{number} from {self.low:g}{end}", *words])

    @property
    def _takes_numbers(self) -> bool:
        return self.low <= self.high
