"""A pipeline's progress bar under a schedule: it ends where the fused run ends."""

from __future__ import annotations

from typing import Any

from dato.runtime.fusion import Fusion
from dato.sampler.stand_in import never_copied


class ProgressBar:
    """Stands in for ``pipe.progress_bar``.

    Pipelines ask for a bar of ``num_inference_steps``, and move it once for each timestep.

    Args:
        real: the pipeline's own.
        fusion: its runs.
    """

    def __init__(self, real: Any, fusion: Fusion) -> None:
        self.__wrapped__ = real
        self._fusion = fusion

    def __call__(self, iterable: Any = None, total: Any = None) -> Any:
        self._fusion.check_scheduler()
        run = self._fusion.current
        if run is not None and run.call == 0 and total is not None:
            total = len(run)
        return self.__wrapped__(iterable, total)

    def __reduce_ex__(self, protocol: object) -> Any:
        raise never_copied()
