"""What the demo's page asks for: presets that fit the loaded model, and timed pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from functools import partial

from pydantic import Field

import dato
from dato import DatoError, Preset, list_presets, load_preset
from dato.fit import Fit
from dato.preset.fields import StrictModel
from dato.step_counts import calls_of
from search.demo.choice import choice_of
from search.demo.turns import Turns
from search.errors import UserError
from search.model.devices import device_name
from search.model.prompt_images import ImageRequest, PromptImages, PromptPipeline
from search.model.topology import topology_of

LARGEST_SEED = 2**53 - 1
"""The largest integer that every browser sends as it was typed."""


class DemoRequest(StrictModel):
    """A picture that a browser asks for."""

    preset: str
    prompt: str = Field(min_length=1, max_length=1000)
    seed: int = Field(ge=0, le=LARGEST_SEED)
    patched: bool


class DemoService:
    """A pipeline with its presets. It takes one request at a time, because it times each picture.

    Pictures are asked for from any thread and made in the one that calls :meth:`work`.

    Raises:
        UserError: there is no preset.
    """

    def __init__(self, pipeline: PromptPipeline, presets: Sequence[Preset]) -> None:
        if not presets:
            raise UserError(
                f"No shipped preset fits {pipeline.model.path!r}. Give one with --preset FILE."
            )
        self._pipeline = pipeline
        self._presets: Mapping[str, Preset] = {preset.name: preset for preset in presets}
        self._warm: set[tuple[str, bool]] = set()
        self._turns: Turns[PromptImages] = Turns()
        self.work, self.close = self._turns.work, self._turns.close

    def describe(self) -> dict[str, object]:
        """What the page shows before a picture is made."""
        return {
            "model": self._pipeline.model.path,
            "device": device_name(self._pipeline.pipe.device),
            "presets": [
                vars(choice_of(preset, self._pipeline)) for preset in self._presets.values()
            ],
        }

    def generate(self, request: DemoRequest) -> dict[str, object]:
        """``{"image": data URI, "seconds": seconds from the prompt to the picture}``.

        Raises:
            DatoError, UserError: the picture cannot be made.
        """
        preset = self._presets.get(request.preset)
        if preset is None:
            raise UserError(
                f"This page has no preset {request.preset!r}. Choose one of "
                f"{', '.join(self._presets)}."
            )
        asked = ImageRequest(request.prompt, request.seed)
        made = self._turns.ask(partial(self._generate, asked, preset, request.patched))
        buffer = io.BytesIO()
        made.images[0].save(buffer, "PNG")
        data = base64.b64encode(buffer.getvalue()).decode()
        return {"image": f"data:image/png;base64,{data}", "seconds": made.seconds}

    def _generate(self, request: ImageRequest, preset: Preset, patched: bool) -> PromptImages:
        """A first run on a GPU is not timed, because it chooses and compiles kernels."""
        key = preset.name, patched
        if self._pipeline.pipe.device.type != "cpu" and key not in self._warm:
            self._pipeline.generate([request], preset, patched=patched)
        self._warm.add(key)
        return self._pipeline.generate([request], preset, patched=patched)


def presets_for(pipeline: PromptPipeline, names: Sequence[str]) -> tuple[Preset, ...]:
    """The named presets, or without names every shipped one that fits.

    Raises:
        PresetError, ScheduleError: a named one cannot be read.
        MismatchError, UserError: a named one does not fit the model.
    """
    if names:
        presets = tuple(load_preset(name) for name in names)
        for preset in presets:
            _check_fit(pipeline, preset)
        return presets
    return tuple(each for each in map(load_preset, list_presets()) if _fits(pipeline, each))


def _fits(pipeline: PromptPipeline, preset: Preset) -> bool:
    try:
        _check_fit(pipeline, preset)
    except (DatoError, UserError):
        return False
    return True


def _check_fit(pipeline: PromptPipeline, preset: Preset) -> None:
    pipeline.sample_with(preset.sampler)
    layout = topology_of(pipeline.pipe)
    if not layout.skip_branches:  # nobody looks into the denoiser: what needs that is refused here
        with dato.applied(pipeline.pipe, preset.schedule):
            pass
    fit = Fit.of(preset, layout if layout.skip_branches else None, None)
    calls = calls_of(pipeline.pipe.scheduler, preset.sampler.num_inference_steps)
    fit.check_size(pipeline.latent_size)
    fit.schedule_for(pipeline.pipe.scheduler, calls)
