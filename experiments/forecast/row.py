"""What the experiment on effects records of one schedule."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One schedule.

    Args:
        part: the question; ``way``: the answer tried; ``at``: where, such as ``"6 full calls"``.
    """

    part: str
    way: str
    at: str
    fid_unpatched: float
