"""The pocket models: small text-to-image models that ship with the engine, to try presets on.

``"pocket"`` has the topology of Stable Diffusion 1.5, ``"pocket-flow"`` that of Stable Diffusion 3.
They need no download and nothing but what the engine itself needs. Their captions, renders and
features are the search's (``search.pocket``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from dato.pocket.names import FOLDERS, pocket_path

if TYPE_CHECKING:
    from diffusers import StableDiffusion3Pipeline, StableDiffusionPipeline

__all__ = ["load_pipeline", "pocket_path"]


@overload
def load_pipeline(model: Literal["pocket"] = "pocket") -> StableDiffusionPipeline: ...
@overload
def load_pipeline(model: Literal["pocket-flow"]) -> StableDiffusion3Pipeline: ...
@overload
def load_pipeline(model: str | Path) -> Any: ...
def load_pipeline(model: str | Path = "pocket") -> Any:
    """Load a pocket model, in float32 on the CPU.

    diffusers is imported here, because captions and renders do not need it and need not wait for
    it. Its warning that the codec is no `AutoencoderKL` is switched off.

    Args:
        model: ``"pocket"``, ``"pocket-flow"``, or a folder that the recipe of either has written.

    Raises:
        ValueError: it is neither.
    """
    folder = pocket_path(str(model)) if str(model) in FOLDERS else Path(model)
    if not (folder / "model_index.json").is_file():
        raise ValueError(
            f"{str(model)!r} is no pocket model. Give one of {', '.join(map(repr, FOLDERS))}, or "
            "the folder of a pipeline that was trained by the recipe of either."
        )
    from diffusers.utils import logging

    from dato.pocket.folder import from_folder

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        return from_folder(folder)
    finally:
        logging.set_verbosity(verbosity)
