"""The Python that runs a preset: the pipeline, its sampler, and the call that was measured."""

from __future__ import annotations

from pathlib import Path

from dato.pocket.index import reads_clip_alone, saved_without
from dato.pocket.names import FOLDERS
from dato.preset.info import SamplerInfo
from dato.preset.sampler_code import sampler_line

PROMPT = "a red circle on a white background"
"""Every model can be asked for it; the pocket models know no other kind of text."""


def snippet(sampler: SamplerInfo, source: str, pipeline: str) -> list[str]:
    """Lines that run as they stand, where ``source`` and ``pipeline`` are at hand.

    Args:
        source: what :func:`dato.load_preset` takes.
        pipeline: ``"pocket"``, ``"pocket-flow"``, a folder or a hub id.
    """
    # Texts go through repr: the file of a stranger adds no line and no code.
    return [
        "import dato",
        *_loads(pipeline, sampler.scheduler),
        sampler_line(sampler),
        f"dato.apply(pipe, {source!r})",
        f"prompt = {PROMPT!r}",
        "image = pipe(",
        f"    prompt, num_inference_steps={sampler.num_inference_steps}, "
        f"guidance_scale={sampler.guidance_scale:g}",
        ").images[0]",
        "image.save('image.png')",
    ]


def _loads(pipeline: str, scheduler: str) -> list[str]:
    folder = Path(pipeline)
    if pipeline in FOLDERS or reads_clip_alone(folder):
        return [
            "from dato.pocket import load_pipeline",
            f"from diffusers import {scheduler}",
            "",
            f"pipe = load_pipeline({pipeline!r})",
        ]
    lacking = "".join(f", {name}=None" for name in saved_without(folder) if name.isidentifier())
    return [
        f"from diffusers import {', '.join(sorted({scheduler, 'DiffusionPipeline'}))}",
        "",
        f"pipe = DiffusionPipeline.from_pretrained({pipeline!r}{lacking})",
    ]
