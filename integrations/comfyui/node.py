"""The node. It changes nothing of ComfyUI: it gives a sampler and its noise levels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comfy.samplers
from server import PromptServer
from torch import Tensor

from dato.anywhere import portable_sampler

from .model_check import check_model
from .places import source_of
from .run import Run
from .words import about


class LoadDatoPreset:
    """Reads a sampler file, or a preset, for the nodes that sample with ``SAMPLER`` and ``SIGMAS``.

    A preset's scheduler is made by diffusers, which has to be installed for it; a sampler file
    needs none.
    """

    CATEGORY = "sampling/custom_sampling/samplers"
    DESCRIPTION = (
        "A sampler that was tuned for one model, with its noise levels. Both go into "
        "SamplerCustomAdvanced; give the guider the guidance scale that the text names."
    )
    FUNCTION = "load"
    RETURN_TYPES = ("SAMPLER", "SIGMAS", "STRING")
    RETURN_NAMES = ("sampler", "sigmas", "about")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        """Widgets and sockets, as ComfyUI asks for them."""
        tip = "A file in models/dato, with or without .json; any path; or a shipped preset's name."
        checked = "Checked when the preset is loaded. Every run checks its own model, too."
        return {
            "required": {"preset": ("STRING", {"default": "", "tooltip": tip})},
            "optional": {"model": ("MODEL", {"tooltip": checked})},
            "hidden": {"node_id": "UNIQUE_ID"},
        }

    @classmethod
    def IS_CHANGED(cls, preset: str, **_: Any) -> str:  # noqa: N802 - ComfyUI's name
        """Another text whenever the file is another, so that ComfyUI reads it again."""
        path = Path(source_of(preset))
        return f"{path} {path.stat().st_mtime_ns}" if path.is_file() else preset

    def load(
        self, preset: str, model: Any = None, node_id: str | None = None
    ) -> tuple[Any, Tensor, str]:
        """The sampler, its noise levels (calls + 1,), and what it does, in words.

        Raises:
            PresetError, SamplerFileError: there is no such file or name, or it breaks its format.
            UnsupportedError: the preset is no sampler: it has cuts or prunes, for example.
            MismatchError: it is for another kind of model.
        """
        sampler = portable_sampler(source_of(preset))
        if model is not None:
            check_model(sampler, model.get_model_object("model_sampling"))
        run, text = Run(sampler), about(sampler)
        if node_id is not None:
            PromptServer.instance.send_progress_text(text, node_id)
        # Some nodes change noise levels in place.
        return comfy.samplers.KSAMPLER(run), run.sigmas.clone(), text
