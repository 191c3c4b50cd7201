"""The public verbs: put a schedule on a pipeline and take it off again.

One attribute of the denoiser, ``forward``, is replaced, and hooks are registered on the layers that
the schedule prunes. No class, module, parameter or attention processor changes.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from dato.denoisers.base import Adapter
from dato.denoisers.registry import adapter_of, denoiser_of
from dato.errors import MismatchError, UnsupportedError
from dato.fit import Fit, Resample
from dato.identity import warn_of_other_weights
from dato.library import load_preset
from dato.runtime.compiled import Compiled, Mode, Warmup
from dato.runtime.engine import Engine, never_copied
from dato.runtime.references import hand_over
from dato.schedule import Schedule
from dato.tokens.hooks import PrunedLayer
from dato.topology import Layer, Topology

if TYPE_CHECKING:
    from dato.preset import Preset

Pipe = TypeVar("Pipe")

_PATCH = "_dato_patch"
_SLOTS = ("forward", "_old_forward")
"""Where a denoiser's own forward may be: in ``_old_forward`` under one of accelerate's hooks."""

_on: WeakSet[Patch] = WeakSet()
"""Every patch that is on: a pipeline may have been given another denoiser since."""
_guard = threading.Lock()


def apply(
    pipe: Pipe, schedule: Preset | Schedule | str | Path, *, resample: Resample | None = None
) -> Pipe:
    """Make a pipeline run a schedule from its next run on; replaces the schedule it ran before.

    Warns when a preset was tuned on other weights; a first check reads all weights once.

    Args:
        pipe: a diffusers pipeline with a scheduler and a denoiser that the engine knows.
        schedule: a preset, the name of a shipped one, a preset file, or a schedule on its own.
        resample: ``"nearest"`` stretches the schedule to runs of another number of calls and lets
            a preset run at another resolution. By default both are errors.

    Returns:
        The same pipeline.

    Raises:
        PresetError: the preset's name is unknown, or its file breaks the format.
        MismatchError: the schedule does not fit, or another pipeline uses the denoiser.
        UnsupportedError: the engine does not know this denoiser.
    """
    if isinstance(schedule, str | Path):
        schedule = load_preset(schedule)
    adapter = adapter_of(pipe)
    if getattr(pipe, "scheduler", None) is None:
        raise UnsupportedError(
            f"A {type(pipe).__name__} has no scheduler that a schedule could follow.",
            remedy="Pass the pipeline, not its denoiser.",
        )
    layout = adapter.topology()
    fit = Fit.of(schedule, layout, resample)
    fit.check_scheduler(pipe.scheduler)  # type: ignore[attr-defined]
    _check_owner(adapter.denoiser, pipe)
    original = _own_forward(adapter)
    sites = [
        PrunedLayer(layer, order, adapter.site(layer))
        for order, layer in enumerate(layout.layers)
        if _prunes(fit.schedule, layer, layout)
    ]
    if not isinstance(schedule, Schedule):
        warn_of_other_weights(schedule, pipe)
    remove(pipe)
    Patch(pipe, adapter, original, Engine(pipe, adapter, original, layout, fit), sites)
    return pipe


def remove(pipe: Pipe) -> Pipe:
    """Restore a pipeline exactly; nothing happens if no schedule is applied.

    What another tool has put on top stays, and runs the denoiser's own forward from now on.

    Returns:
        The same pipeline.
    """
    denoiser = _uncompiled(denoiser_of(pipe))
    with _guard:
        patches = list(_on)
    for patch in patches:
        if patch.adapter.denoiser is denoiser or patch.engine.pipe is pipe:
            patch.undo()
    return pipe


@contextmanager
def applied(
    pipe: Pipe, schedule: Preset | Schedule | str | Path, *, resample: Resample | None = None
) -> Iterator[Pipe]:
    """Like :func:`apply` for the length of a ``with`` block, then :func:`remove`."""
    apply(pipe, schedule, resample=resample)
    try:
        yield pipe
    finally:
        remove(pipe)


def compile(pipe: Any, mode: Mode = "default", **options: Any) -> Warmup:  # noqa: A001
    """Compile the denoiser of a pipeline to which a schedule is applied: one graph for each kind.

    A kind is compiled at its second call at a shape (the first runs eagerly); switching kinds and
    going back to a shape met before is a lookup. Images equal the eager ones up to the rounding of
    fused arithmetic. ``remove``, and ``apply`` of another schedule, end it.

    Args:
        pipe: the pipeline that a schedule is applied to.
        mode: ``"default"``, or ``"cudagraphs"`` to capture and replay each graph on a CUDA device
            (elsewhere it is the same as ``"default"``).
        options: further arguments of ``torch.compile``, such as ``backend``.

    Returns:
        What compiling costs; it fills up as graphs are compiled.

    Raises:
        MismatchError: no schedule is applied.
        UnsupportedError: an unknown mode.
    """
    patch = vars(denoiser_of(pipe)).get(_PATCH)
    if not isinstance(patch, Patch):
        raise MismatchError(
            "No schedule is applied to this pipeline, so there are no kinds to compile.",
            remedy="Call dato.apply first.",
        )
    engine = patch.engine
    engine.compute = compiled = Compiled(engine.eager, patch.adapter, mode, options)
    return compiled.warmup


class Patch:
    """What is on a denoiser while a schedule is applied.

    Args:
        pipe: the pipeline.
        adapter: its denoiser.
        original: the denoiser's own forward.
        engine: runs the schedule.
        layers: the ones that the schedule prunes.
    """

    def __init__(
        self, pipe: Any, adapter: Adapter, original: Any, engine: Engine, layers: list[PrunedLayer]
    ) -> None:
        self.adapter = adapter
        self.engine = engine
        self._on = True
        self._original = original
        denoiser = adapter.denoiser
        slot = _slot(denoiser)
        self._had_forward = slot in vars(denoiser)

        @functools.wraps(original)
        def forward(*args: Any, **kwargs: Any) -> Any:
            # Another tool may hold this function, and call it when the schedule is gone.
            run = engine.forward if self._on else original
            return run(*args, **kwargs)

        self._forward = forward
        self._handles = [handle for layer in layers for handle in layer.attach(engine.pruner)]
        # Before the function, so that a pickle meets the patch's own refusal first.
        setattr(denoiser, _PATCH, self)
        setattr(denoiser, slot, forward)
        with _guard:
            _on.add(self)

    def __reduce_ex__(self, protocol: object) -> Any:
        raise never_copied()

    def undo(self) -> None:
        """Restore the denoiser, wherever other tools have moved its forward since."""
        self._on = False
        with _guard:
            _on.discard(self)
        for handle in self._handles:
            handle.remove()
        attributes: dict[str, Any] = self.adapter.denoiser.__dict__
        if attributes.get(_PATCH) is self:
            del attributes[_PATCH]
        for slot in _SLOTS:
            if attributes.get(slot) is not self._forward:
                continue
            if slot == "forward" and not self._had_forward:
                del attributes[slot]
            else:
                attributes[slot] = self._original
            return
        hand_over(self._forward, self._original)


def _slot(denoiser: Any) -> str:
    return "_old_forward" if "_old_forward" in vars(denoiser) else "forward"


def _own_forward(adapter: Adapter) -> Any:
    """The denoiser's own forward, under a schedule that is on it.

    Raises:
        UnsupportedError: it is compiled, or another tool has put itself on top.
    """
    denoiser = adapter.denoiser
    forward, patch = getattr(denoiser, _slot(denoiser)), vars(denoiser).get(_PATCH)
    if isinstance(patch, Patch) and patch._forward is forward:
        forward = patch._original
    _check_forward(adapter, forward)
    return forward


def _uncompiled(denoiser: Any) -> Any:
    """The module inside what ``torch.compile`` returns."""
    return getattr(denoiser, "_orig_mod", denoiser)


def _prunes(schedule: Schedule, layer: Layer, layout: Topology) -> bool:
    return any(layer.name in layout.ratios(kind) for kind in schedule.kinds.values())


def _check_forward(adapter: Adapter, forward: Any) -> None:
    """Refuse a denoiser whose forward is compiled, or not its own."""
    compiled = getattr(adapter.denoiser, "_compiled_call_impl", None) is not None
    if compiled or getattr(forward, "__func__", None) is not adapter.takes.forward:
        other = f"a compiled {adapter.takes.__name__}" if compiled else repr(forward)
        raise UnsupportedError(
            f"The denoiser runs {other}, but a schedule takes the place of its own forward.",
            remedy="Undo the other tool first; compile with dato.compile.",
        )


def _check_owner(denoiser: Any, pipe: Any) -> None:
    patch = vars(denoiser).get(_PATCH)
    owner = patch.engine.pipe if isinstance(patch, Patch) else None
    if owner is not None and owner is not pipe:
        raise MismatchError(
            f"The denoiser already runs the schedule of another {type(owner).__name__}.",
            remedy="Call dato.remove on that pipeline first.",
        )
