"""The other projects' patches, each put on a pipeline. Needs the extra ``bench``."""

from __future__ import annotations

from typing import Any

import tomesd
from DeepCache import DeepCacheSDHelper


def deepcache(pipe: Any, interval: int) -> None:
    """Cache branch 0, which recomputes what depth 1 does, and refresh every ``interval`` calls."""
    helper: Any = DeepCacheSDHelper(pipe=pipe)
    helper.set_params(cache_interval=interval, cache_branch_id=0)
    helper.enable()


def tome(pipe: Any, ratio: float, level: int = 0) -> None:
    """Merge a share of the tokens in the self-attentions down to a level."""
    tomesd.apply_patch(pipe, ratio=ratio, max_downsample=2**level)
