"""The schedules that are timed. Ratios apply to one level, the finest with self-attentions."""

from __future__ import annotations

from itertools import cycle, islice

from dato import Kind, Schedule

_PUBLISHED = (
    "0 1 1 1 1 1 11 1 1 1 1 1 1 1 0 0 11 1 1 1 0 11 1 0 1 "
    "1 1 1 1 11 0 0 1 1 1 1 1 1 1 1 11 1 1 1 1 1 1 1 1 1"
)
"""The cache strategy of arXiv 2501.00375's released code for the 50 calls after a full first one:
0 reuses the output, 1 recomputes branch 1, 11 everything."""

_KINDS = {"0": "reuse", "1": "shallow", "11": "full"}


def published(calls: int, level: int, ratio: float = 0.5) -> Schedule:
    """The published strategy; its ratios lie between 0.3 and 0.7, so all calls get the middle.

    It is made for PNDM's 51 calls. Fewer calls leave out the last ones.
    """
    steps = ["full", *(_KINDS[code] for code in _PUBLISHED.split())][:calls]
    return _schedule(steps, level, ratio).resampled(calls)


def nine(calls: int, level: int, ratio: float = 0.7) -> Schedule:
    """At least 9x: three full calls, and between them two of depth 1 and a reused one in turn."""
    third = -(-calls // 3)
    cheap = ("shallow", "shallow", "reuse")
    part = ["full", *islice(cycle(cheap), third - 1)]
    return _schedule((3 * part)[:calls], level, ratio)


def pruned(calls: int, level: int, ratio: float) -> Schedule:
    """Full calls, pruned."""
    return Schedule.uniform(calls, 1, prune={f"level_{level}": ratio})


def _schedule(steps: list[str], level: int, ratio: float) -> Schedule:
    prune = {f"level_{level}": ratio}
    kinds = {"full": Kind("full", prune), "shallow": Kind(1, prune), "reuse": Kind(0)}
    return Schedule({name: kinds[name] for name in dict.fromkeys(steps)}, tuple(steps))
