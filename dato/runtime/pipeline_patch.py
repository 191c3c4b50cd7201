"""What is on a pipeline while a schedule is applied: on its denoiser, its scheduler, its bar."""

from __future__ import annotations

import weakref
from typing import Any

from dato.denoisers.base import Adapter
from dato.denoisers.registry import denoiser_of, uncompiled
from dato.fit import Fit
from dato.runtime.denoiser_patch import DenoiserPatch
from dato.runtime.engine import Engine
from dato.runtime.fusion import Fusion
from dato.runtime.progress import ProgressBar
from dato.sampler.stand_in import never_copied
from dato.schedule import Schedule
from dato.tokens.hooks import PrunedLayer
from dato.topology import Layer, Topology

_BAR = "progress_bar"
_PATCH = "_dato_patch"


class PipelinePatch:
    """A schedule on a pipeline.

    Args:
        pipe: the pipeline, held weakly.
        fit: the schedule and what it belongs to.
        known: the denoiser's adapter, topology and own forward; None where runs are fused or not
            at all, and the denoiser stays as it is.
        fuse: whether runs may be fused.

    Raises:
        UnsupportedError: no run would be fused, and none can go call by call.
    """

    def __init__(
        self, pipe: Any, fit: Fit, known: tuple[Adapter, Topology, Any] | None, *, fuse: bool
    ) -> None:
        self._pipe = weakref.ref(pipe)
        self.denoiser = uncompiled(denoiser_of(pipe))
        self.fusion = Fusion(pipe, fit, fuse=fuse, adapted=known is not None)
        self._denoiser_patch: DenoiserPatch | None = None
        if known is not None:
            adapter, layout, original = known
            engine = Engine(pipe, adapter, original, layout, fit, self.fusion)
            sites = [
                PrunedLayer(layer, order, adapter.site(layer))
                for order, layer in enumerate(layout.layers)
                if _prunes(fit.schedule, layer, layout)
            ]
            self._denoiser_patch = DenoiserPatch(adapter, original, engine, sites, self)
        self._show(pipe)

    def _show(self, pipe: Any) -> None:
        vars(pipe)[_PATCH] = self
        if self.fusion.never is None and hasattr(pipe, _BAR):
            vars(pipe)[_BAR] = ProgressBar(getattr(pipe, _BAR), self.fusion)

    def __reduce_ex__(self, protocol: object) -> Any:
        raise never_copied()

    @property
    def pipe(self) -> Any:
        """The pipeline, or None once it is gone."""
        return self._pipe()

    def sentence(self) -> str:
        """How the last run went, or how the first will go, for people."""
        schedule = self.fusion.ran
        computed = sum(schedule.kind(call).depth != 0 for call in range(schedule.calls))
        if schedule.tuned is not None:
            return f"{computed} computed calls at tuned timesteps."
        given = ", at given timesteps" if self.fusion.given else ""
        text = f"{computed} computed calls of {schedule.calls}{given}"
        reason = self.fusion.reason()
        return f"{text}, call by call, because {reason}." if reason else f"{text}, fused."

    def redo(self) -> None:
        """Put all of it back after :meth:`undo`.

        Raises:
            UnsupportedError: another tool has put itself on the denoiser meanwhile.
        """
        pipe = self.pipe
        if pipe is None:
            return
        if self._denoiser_patch is not None:
            self._denoiser_patch.put()
        self.fusion.put()
        self._show(pipe)

    def undo(self) -> None:
        """Restore all of it."""
        self.fusion.close()
        if self._denoiser_patch is not None:
            self._denoiser_patch.undo()
        pipe = self.pipe
        if pipe is None:
            return
        if isinstance(vars(pipe).get(_BAR), ProgressBar):
            del vars(pipe)[_BAR]
        if vars(pipe).get(_PATCH) is self:
            del vars(pipe)[_PATCH]


def _prunes(schedule: Schedule, layer: Layer, layout: Topology) -> bool:
    return any(layer.name in layout.ratios(kind) for kind in schedule.kinds.values())
