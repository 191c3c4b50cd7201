"""The denoisers that the engine knows, and which of them a pipeline has."""

from __future__ import annotations

from typing import Any

from dato.denoisers.base import Adapter
from dato.denoisers.flux import FluxAdapter
from dato.denoisers.pixart import PixArtAdapter
from dato.denoisers.sd3 import SD3Adapter
from dato.denoisers.unet_adapter import UNetAdapter
from dato.errors import UnsupportedError
from dato.topology import Topology

_ADAPTERS: tuple[type[Adapter], ...] = (UNetAdapter, PixArtAdapter, SD3Adapter, FluxAdapter)
_ATTRIBUTES = ("unet", "transformer")


def adapter_of(pipe_or_denoiser: Any) -> Adapter:
    """The adapter of a pipeline's denoiser, or of a denoiser.

    Raises:
        UnsupportedError: there is no denoiser that the engine knows.
    """
    denoiser = denoiser_of(pipe_or_denoiser)
    for adapter in _ADAPTERS:
        if isinstance(denoiser, adapter.takes) and type(denoiser).forward is adapter.takes.forward:
            return adapter.of(denoiser)
    known = " or ".join(adapter.takes.__name__ for adapter in _ADAPTERS)
    raise UnsupportedError(
        f"The engine does not know the denoiser {type(denoiser).__name__}.",
        remedy=f"It runs a diffusers {known} that nobody has subclassed or compiled: use Stable "
        "Diffusion, PixArt or FLUX.1, and compile with dato.compile.",
    )


def denoiser_of(pipe_or_denoiser: Any) -> Any:
    """The ``unet`` or ``transformer`` of a pipeline; anything else is returned as it is."""
    for name in _ATTRIBUTES:
        denoiser = getattr(pipe_or_denoiser, name, None)
        if denoiser is not None:
            return denoiser
    return pipe_or_denoiser


def matches_flow(denoiser: Any) -> bool:
    """Whether a denoiser is of a family that is trained by flow matching; False for one that the
    engine does not know."""
    return any(isinstance(denoiser, adapter.takes) and adapter.flow for adapter in _ADAPTERS)


def uncompiled(denoiser: Any) -> Any:
    """The module inside what ``torch.compile`` returns."""
    return getattr(denoiser, "_orig_mod", denoiser)


def topology(pipe_or_denoiser: Any) -> Topology:
    """Skip branches and prunable self-attention layers of a pipeline's denoiser.

    Raises:
        UnsupportedError: the denoiser has parts that the engine does not know.
    """
    return adapter_of(pipe_or_denoiser).topology()
