"""The public verbs: put a schedule on a pipeline and take it off again.

Of the denoiser one attribute, ``forward``, is replaced, and hooks are registered on the layers that
the schedule prunes; of the scheduler, its methods for the length of a fused run. No class, module,
parameter or attention processor changes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from diffusers import ModularPipeline

from dato.denoisers.base import Adapter
from dato.denoisers.other_caches import check_no_other_cache
from dato.denoisers.registry import adapter_of, denoiser_of, uncompiled
from dato.errors import MismatchError, UnsupportedError
from dato.fit import Fit, Resample
from dato.identity import warn_of_other_weights
from dato.library import load_preset
from dato.runtime.compiled import Compiled, Mode, Warmup
from dato.runtime.denoiser_patch import check_owner, own_forward, patch_on
from dato.runtime.pipeline_patch import PipelinePatch
from dato.schedule import Schedule
from dato.topology import Topology

if TYPE_CHECKING:
    from dato.preset import Preset

Pipe = TypeVar("Pipe")

_on: WeakSet[PipelinePatch] = WeakSet()
"""Every patch that is on: a pipeline may have been given another denoiser since."""
_guard = threading.Lock()


def apply(
    pipe: Pipe,
    schedule: Preset | Schedule | str | Path,
    *,
    resample: Resample | None = None,
    fuse: bool = True,
) -> Pipe:
    """Make a pipeline run a schedule from its next run on; replaces the schedule it ran before.

    Where that changes no image by more than rounding, runs are fused: the pipeline's loop goes over
    computed calls only, and its callbacks come once for each of these. ``dato.explain`` says what
    happens. Warns when a preset was tuned on other weights, for which each
    call reads all of them (:func:`dato.fingerprint`); a schedule on its own is not checked.

    Args:
        pipe: a diffusers pipeline with a scheduler and a denoiser that the engine knows; any
            pipeline, for a schedule of full and skipped calls without pruning.
        schedule: a preset, the name of a shipped one, a preset file, or a schedule on its own.
        resample: ``"nearest"`` stretches the schedule to runs of another number of calls and lets
            a preset run at another resolution. By default both are errors.
        fuse: False makes every run go call by call.

    Returns:
        The same pipeline.

    Raises:
        PresetError: the preset's name is unknown, or its file breaks the format.
        MismatchError: the schedule does not fit, or another pipeline uses the denoiser.
        UnsupportedError: the engine does not know this denoiser.
    """
    if isinstance(schedule, str | Path):
        schedule = load_preset(schedule)
    if isinstance(pipe, ModularPipeline):
        raise UnsupportedError(
            f"A {type(pipe).__name__} is a modular pipeline, whose blocks nobody has taught the "
            "engine to follow.",
            remedy="Load the same model with DiffusionPipeline.from_pretrained.",
        )
    check_no_other_cache(uncompiled(denoiser_of(pipe)))
    known = _adapted(pipe, schedule, fuse=fuse)
    scheduler = getattr(pipe, "scheduler", None)
    if scheduler is None:
        raise UnsupportedError(
            f"A {type(pipe).__name__} has no scheduler that a schedule could follow.",
            remedy="Pass the pipeline, not its denoiser.",
        )
    fit = Fit.of(schedule, None if known is None else known[1], resample)
    fit.check_scheduler(scheduler)
    if known is not None:
        check_owner(known[0].denoiser, pipe)
    if not isinstance(schedule, Schedule):
        warn_of_other_weights(schedule, pipe)
    remove(pipe)
    patch = PipelinePatch(pipe, fit, known, fuse=fuse)
    with _guard:
        _on.add(patch)
    return pipe


def remove(pipe: Pipe) -> Pipe:
    """Restore a pipeline exactly; nothing happens if no schedule is applied.

    What another tool has put on top stays, and runs the denoiser's own forward from now on.

    Returns:
        The same pipeline.
    """
    denoiser = uncompiled(denoiser_of(pipe))
    for patch in _patches():
        if patch.denoiser is denoiser or patch.pipe is pipe:
            patch.undo()
            with _guard:
                _on.discard(patch)
    return pipe


@contextmanager
def applied(
    pipe: Pipe,
    schedule: Preset | Schedule | str | Path,
    *,
    resample: Resample | None = None,
    fuse: bool = True,
) -> Iterator[Pipe]:
    """Like :func:`apply` for the length of a ``with`` block.

    Then the pipeline runs the schedule that was applied before, compiled if it was, or none.
    """
    before = next((patch for patch in _patches() if patch.pipe is pipe), None)
    apply(pipe, schedule, resample=resample, fuse=fuse)
    try:
        yield pipe
    finally:
        remove(pipe)
        if before is not None:
            before.redo()
            with _guard:
                _on.add(before)


def explain(pipe: Any) -> str:
    """How a pipeline runs the schedule that is applied to it, as one sentence.

    ``"6 computed calls of 50, fused."``, or ``"50 computed calls of 50, call by call, because
    ..."``, or ``"8 computed calls at tuned timesteps."``. It is of the run that was made last;
    before the first, of one with as many calls as the schedule has.

    Raises:
        MismatchError: no schedule is applied.
    """
    return _patch_of(pipe).sentence()


def fuses(pipe: Any) -> bool:
    """Whether a pipeline's runs are fused, as far as that is known before the first one.

    Raises:
        MismatchError: no schedule is applied.
    """
    return not _patch_of(pipe).fusion.reason()


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
        UnsupportedError: an unknown mode, or a denoiser that the engine does not know.
    """
    patch = patch_on(denoiser_of(pipe))
    if patch is None:
        _patch_of(pipe, "there are no kinds to compile")
        raise UnsupportedError(
            f"The engine does not know the {type(denoiser_of(pipe)).__name__}, and leaves it as it "
            "is: there are no kinds to compile.",
            remedy="Compile the denoiser itself, before or after dato.apply: denoiser.compile().",
        )
    engine = patch.engine
    engine.compute = compiled = Compiled(engine.eager, patch.adapter, mode, options)
    return compiled.warmup


def _patches() -> list[PipelinePatch]:
    with _guard:
        return list(_on)


def _patch_of(pipe: Any, lacking: str = "there is nothing to explain") -> PipelinePatch:
    for patch in _patches():
        if patch.pipe is pipe:
            return patch
    raise MismatchError(
        f"No schedule is applied to this pipeline, so {lacking}.", remedy="Call dato.apply first."
    )


def _adapted(
    pipe: Any, schedule: Preset | Schedule, *, fuse: bool
) -> tuple[Adapter, Topology, Any] | None:
    """The denoiser's adapter, topology and own forward; None where only the sampler is needed.

    Raises:
        UnsupportedError: the schedule needs the denoiser's inside, and the engine does not know it.
    """
    target = schedule if isinstance(schedule, Schedule) else schedule.schedule
    plain = all(kind.depth == 0 or kind.is_null for kind in target.kinds.values())
    try:
        adapter = adapter_of(pipe)
        return adapter, adapter.topology(), own_forward(adapter)
    except UnsupportedError:
        skips = target.tuned is not None or any(kind.depth == 0 for kind in target.kinds.values())
        if fuse and plain and skips and getattr(pipe, "scheduler", None) is not None:
            return None
        raise
