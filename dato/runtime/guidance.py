"""Watches the guidance of fused runs: a skipped call takes what an earlier call's guidance made."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from dato.errors import MismatchError
from dato.runtime.caller import Caller
from dato.runtime.fusion import Fusion
from dato.sampler.fused_run import FusedRun


class Guidance:
    """The guidance of each run so far.

    Args:
        fusion: the runs.
    """

    def __init__(self, fusion: Fusion) -> None:
        self._fusion = fusion
        self._of: WeakKeyDictionary[FusedRun, object] = WeakKeyDictionary()

    def follow(self, run: FusedRun, pipe: Any, caller: Caller) -> None:
        """Take in the guidance of a computed call.

        Raises:
            MismatchError: it has changed, and a coming forecast would mix both.
        """
        now = getattr(pipe, "_guidance_scale", None), caller.guided
        before = self._of.setdefault(run, now)
        if now == before:
            return
        if self._fusion.reads_across(run, run.number):
            raise MismatchError(
                f"The guidance scale changed to {now[0]} in mid-run, but this fused run forecasts "
                "from outputs on both sides.",
                remedy=run.remedy("Leave the guidance as it is (no callback that changes it)"),
            )
        self._of[run] = now
