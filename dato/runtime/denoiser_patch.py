"""What is on a denoiser while a schedule is applied: one attribute, and hooks on pruned layers."""

from __future__ import annotations

import functools
from typing import Any

from dato.denoisers.base import Adapter
from dato.errors import MismatchError, UnsupportedError
from dato.runtime.engine import Engine
from dato.runtime.references import hand_over
from dato.sampler.stand_in import never_copied
from dato.tokens.hooks import PrunedLayer

_PATCH = "_dato_patch"
_SLOTS = ("forward", "_old_forward")
"""Where a denoiser's own forward may be: in ``_old_forward`` under one of accelerate's hooks."""


class DenoiserPatch:
    """Puts an engine in the place of a denoiser's forward.

    Args:
        adapter: the denoiser.
        original: its own forward.
        engine: runs the schedule.
        layers: the ones that the schedule prunes.
        whole: what this is a part of; lives as long as the denoiser.
    """

    def __init__(
        self,
        adapter: Adapter,
        original: Any,
        engine: Engine,
        layers: list[PrunedLayer],
        whole: object,
    ) -> None:
        self._whole = whole
        self.adapter = adapter
        self.engine = engine
        self.original = original
        self._layers = layers

        @functools.wraps(original)
        def forward(*args: Any, **kwargs: Any) -> Any:
            # Another tool may hold this function, and call it when the schedule is gone.
            run = engine.forward if self._on else original
            return run(*args, **kwargs)

        self.forward = forward
        self.put()

    def put(self) -> None:
        """Put it on the denoiser, for the first time or after :meth:`undo`.

        Raises:
            UnsupportedError: another tool has put itself on top meanwhile.
        """
        own_forward(self.adapter)
        denoiser = self.adapter.denoiser
        slot = _slot(denoiser)
        self._had_forward = slot in vars(denoiser)
        self._on = True
        pruner = self.engine.pruner
        self._handles = [handle for layer in self._layers for handle in layer.attach(pruner)]
        # Before the function, so that a pickle meets the patch's own refusal first.
        setattr(denoiser, _PATCH, self)
        setattr(denoiser, slot, self.forward)

    def __reduce_ex__(self, protocol: object) -> Any:
        raise never_copied()

    def undo(self) -> None:
        """Restore the denoiser, wherever other tools have moved its forward since."""
        self._on = False
        for handle in self._handles:
            handle.remove()
        attributes: dict[str, Any] = self.adapter.denoiser.__dict__
        if attributes.get(_PATCH) is self:
            del attributes[_PATCH]
        for slot in _SLOTS:
            if attributes.get(slot) is not self.forward:
                continue
            if slot == "forward" and not self._had_forward:
                del attributes[slot]
            else:
                attributes[slot] = self.original
            return
        hand_over(self.forward, self.original)


def patch_on(denoiser: Any) -> DenoiserPatch | None:
    """What is on a denoiser now."""
    patch = vars(denoiser).get(_PATCH)
    return patch if isinstance(patch, DenoiserPatch) else None


def own_forward(adapter: Adapter) -> Any:
    """The denoiser's own forward, under a schedule that is on it.

    Raises:
        UnsupportedError: it is compiled, or another tool has put itself on top.
    """
    denoiser = adapter.denoiser
    forward, patch = getattr(denoiser, _slot(denoiser)), patch_on(denoiser)
    if patch is not None and patch.forward is forward:
        forward = patch.original
    compiled = getattr(denoiser, "_compiled_call_impl", None) is not None
    if compiled or getattr(forward, "__func__", None) is not adapter.takes.forward:
        other = f"a compiled {adapter.takes.__name__}" if compiled else repr(forward)
        raise UnsupportedError(
            f"The denoiser runs {other}, but a schedule takes the place of its own forward.",
            remedy="Undo the other tool first; compile with dato.compile.",
        )
    return forward


def check_owner(denoiser: Any, pipe: Any) -> None:
    """Refuse a denoiser that runs another pipeline's schedule."""
    patch = patch_on(denoiser)
    owner = None if patch is None else patch.engine.pipe
    if owner is not None and owner is not pipe:
        raise MismatchError(
            f"The denoiser already runs the schedule of another {type(owner).__name__}.",
            remedy="Call dato.remove on that pipeline first.",
        )


def _slot(denoiser: Any) -> str:
    return "_old_forward" if "_old_forward" in vars(denoiser) else "forward"
