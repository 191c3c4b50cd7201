"""Run prune/cache schedules on diffusers pipelines: Stable Diffusion, PixArt, SD 3, FLUX.

    pipe = dato.apply(pipe, dato.load_preset("pocket/balanced"))
    pipe("a red circle left of a blue square", num_inference_steps=4, guidance_scale=2.0)
    dato.remove(pipe)

Schedules and presets are plain data; torch is imported with the first verb that needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dato.errors import DatoError, MismatchError, PresetError, ScheduleError, UnsupportedError
from dato.schedule import Kind, Schedule, Tokens
from dato.slope import Slope
from dato.topology import Layer, Topology
from dato.tuned import TunedSampler
from dato.version import __version__

if TYPE_CHECKING:
    from dato.anywhere import kdiffusion as kdiffusion
    from dato.export import export_sampler as export_sampler
    from dato.identity import fingerprint as fingerprint
    from dato.library import list_presets as list_presets
    from dato.library import load_preset as load_preset
    from dato.patch import applied as applied
    from dato.patch import apply as apply
    from dato.patch import compile as compile  # noqa: A004
    from dato.patch import explain as explain
    from dato.patch import remove as remove
    from dato.portable import PortableSampler as PortableSampler
    from dato.preset import Preset as Preset

_LAZY = {
    "PortableSampler": "dato.portable",
    "Preset": "dato.preset",
    "applied": "dato.patch",
    "apply": "dato.patch",
    "compile": "dato.patch",
    "explain": "dato.patch",
    "export_sampler": "dato.export",
    "fingerprint": "dato.identity",
    "kdiffusion": "dato.anywhere",
    "list_presets": "dato.library",
    "load_preset": "dato.library",
    "remove": "dato.patch",
}

__all__ = [
    "DatoError",
    "Kind",
    "Layer",
    "MismatchError",
    "PortableSampler",
    "Preset",
    "PresetError",
    "Schedule",
    "ScheduleError",
    "Slope",
    "Tokens",
    "Topology",
    "TunedSampler",
    "UnsupportedError",
    "__version__",
    "applied",
    "apply",
    "compile",
    "explain",
    "export_sampler",
    "fingerprint",
    "kdiffusion",
    "list_presets",
    "load_preset",
    "remove",
    "topology",
]


def topology(pipe_or_denoiser: Any) -> Topology:
    """Skip branches and prunable self-attention layers of a pipeline's denoiser.

    Raises:
        UnsupportedError: the denoiser has blocks that the engine does not know.
    """
    from dato.denoisers import registry

    return registry.topology(pipe_or_denoiser)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
