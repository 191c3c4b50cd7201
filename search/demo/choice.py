"""A preset as the demo's page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from dato import Preset
from dato.identity import doubt_of
from dato.preset import SamplerInfo
from dato.preset.words import sampler_words
from search.model.outline import sampler_line
from search.model.prompt_images import PromptPipeline
from search.records.schedule_text import strip, summary

SAME = "the same sampler and steps"


@dataclass(frozen=True)
class Choice:
    """A preset as the page shows it.

    Args:
        sampling: its sampler, steps and guidance.
        unpatched: those of the unpatched picture beside it.
        schedule, strip: its calls.
        tuned_here: whether it is not known to be tuned on other weights than the loaded ones.
    """

    name: str
    sampling: str
    unpatched: str
    schedule: str
    strip: str
    tuned_here: bool


def choice_of(preset: Preset, pipeline: PromptPipeline) -> Choice:
    """How the page of a pipeline shows a preset."""
    sampler, doubt = preset.sampler, doubt_of(preset, pipeline.pipe)
    beside = pipeline.sampler_of(preset, patched=False)
    return Choice(
        preset.name,
        f"{sampler_words(sampler)}, {sampler.num_inference_steps} steps, "
        f"guidance {sampler.guidance_scale:g}",
        SAME if isinstance(beside, SamplerInfo) else sampler_line(beside),
        summary(preset.schedule),
        strip(preset.schedule),
        doubt is None or not doubt.other,
    )
