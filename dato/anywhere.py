"""A sampler for runtimes beside diffusers' pipelines, from whatever names one.

Importing it imports no torch, and a sampler file none of diffusers either: that is needed only to
make a preset's scheduler.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dato.errors import UnsupportedError, WrongFormatError
from dato.library import load_preset
from dato.portable import PortableSampler
from dato.preset import Preset
from dato.preset.sampler_code import DIGEST
from dato.scheduler_settings import read_settings

if TYPE_CHECKING:
    from torch import Tensor


def kdiffusion(
    sampler: PortableSampler | Preset | str | Path,
) -> tuple[Tensor, Callable[..., Tensor]]:
    """The noise levels of a sampler and its loop, as ``sample(model, x, sigmas)``.

    Args:
        sampler: see :func:`portable_sampler`.

    Returns:
        ``sigmas``, (calls + 1,) float32 on the CPU, the last 0; and ``sample``, see
        :meth:`dato.sampler.k_diffusion.KDiffusion.sample`.
    """
    from dato.sampler.k_diffusion import KDiffusion

    form = KDiffusion(portable_sampler(sampler))
    return form.sigmas, form.sample


def portable_sampler(sampler: PortableSampler | Preset | str | Path) -> PortableSampler:
    """The sampler of a sampler file or of a preset.

    Args:
        sampler: the path of a sampler file, or what :func:`dato.load_preset` takes; or the contents
            of either. A preset's scheduler is made from the settings that the preset names, which
            those of studies do completely.

    Raises:
        PresetError, SamplerFileError: there is no such file or name, or it breaks its format.
        UnsupportedError: the preset has cuts or prunes, its scheduler cannot be fused, or it says
            too little of it.
    """
    if isinstance(sampler, PortableSampler):
        return sampler
    if isinstance(sampler, Preset):
        return _of_preset(sampler)
    try:
        preset = load_preset(sampler)
    except WrongFormatError:
        return PortableSampler.load(sampler)
    return _of_preset(preset)


def _of_preset(preset: Preset) -> PortableSampler:
    try:
        import diffusers
    except ImportError as error:
        raise _incomplete(preset, "needs diffusers, which is not installed, for") from error
    from dato.export import check_plain, export_sampler, says_its_levels

    check_plain(preset.schedule)
    scheduler = _scheduler(preset, diffusers)
    if not says_its_levels(preset, scheduler):
        raise _incomplete(preset, "does not say which noise levels its pipeline passes to")
    return export_sampler(preset, scheduler)


def _scheduler(preset: Preset, diffusers: Any) -> Any:
    """The scheduler that a preset names, with all of its settings."""
    sampler = preset.sampler
    if sampler.other_settings != "default" or any(map(_is_digest, sampler.settings.values())):
        raise _incomplete(preset, "does not say every setting of")
    kind = getattr(diffusers, sampler.scheduler, None)
    if not (isinstance(kind, type) and issubclass(kind, diffusers.SchedulerMixin)):
        raise _incomplete(preset, "names what is no scheduler of the installed diffusers:")
    try:
        return kind(**read_settings(sampler.settings, {}))
    except (ImportError, LookupError, NotImplementedError, TypeError, ValueError) as error:
        raise _incomplete(preset, f"has settings that do not fit ({error}):") from error


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and value.startswith(DIGEST)


def _incomplete(preset: Preset, lack: str) -> UnsupportedError:
    return UnsupportedError(
        f"The preset {preset.name!r} {lack} {preset.sampler.scheduler}.",
        remedy="Write a sampler file with the pipeline's scheduler, and give that: "
        "dato-search export-sampler PRESET --out FILE model.path=PIPELINE, or in Python "
        "dato.export_sampler(preset, pipe.scheduler).save(FILE).",
    )
