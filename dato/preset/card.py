"""A Markdown card that says what a preset does, what it was measured on, and how to run it."""

from __future__ import annotations

from collections import Counter

from dato.preset.contents import Contents
from dato.preset.snippet import snippet
from dato.preset.words import (
    FIDS,
    guidance_words,
    measured_images,
    prunes,
    recomputes,
    rest,
    sampler_words,
    sentences,
)


def card(preset: Contents, source: str | None = None, pipeline: str | None = None) -> str:
    """The card of a preset, as Markdown with the metadata block of a model card.

    Args:
        source: what :func:`dato.load_preset` takes; by default the file beside the card that is
            named after the preset.
        pipeline: folder or hub id of the model; by default the preset's ``model.id``.
    """
    sampler, model = preset.sampler, preset.model
    lines = [
        "---",
        "library_name: diffusers",
        "tags: [dato, diffusion, feature-caching, token-pruning]",
        "---",
        f"# {_plain(preset.name)}",
        "",
        f"A prune/cache schedule for `{_plain(model.id)}` ({model.skip_branches} skip branches, "
        f"latents of {model.latent_size[0]} x {model.latent_size[1]}), "
        f"{_plain(sampler_words(sampler))} with "
        f"{sampler.num_inference_steps} steps ({sampler.calls} denoiser calls) and "
        f"{guidance_words(sampler)}.",
        "",
        "```python",
        *snippet(
            sampler,
            source or f"{preset.name.rpartition('/')[2]}.json",
            pipeline or model.id,
        ),
        "```",
        "",
        *_measured(preset),
        "",
        "## Calls",
        "",
        "| kind | calls | recomputes | the rest is | prunes |",
        "|---|---:|---|---|---|",
        *_kinds(preset),
        *(f"\n{sentence}" for sentence in sentences(preset.schedule, sampler)),
        "",
        *_provenance(preset),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _measured(preset: Contents) -> list[str]:
    measured = preset.measured
    if measured is None:
        return ["Not measured."]
    features = f" ({_plain(measured.features)} features)" if measured.features else ""
    return [
        f"Measured on {_plain(measured.device)}, {measured_images(measured)}:",
        "",
        "| | this preset | unpatched |",
        "|---|---:|---:|",
        f"| seconds per image | {measured.latency_s:.4g} | {measured.baseline_latency_s:.4g} |",
        f"| speed-up | {measured.speedup:.2f}x | 1.00x |",
        f"| {FIDS[measured.fid_to]}{features} | {measured.fid:.4g} | {measured.baseline_fid:.4g} |",
    ]


def _kinds(preset: Contents) -> list[str]:
    counts = Counter(preset.schedule.steps)
    return [
        f"| {_plain(name)} | {counts[name]} | {recomputes(kind)} | {rest(kind)} "
        f"| {_plain(prunes(kind))} |"
        for name, kind in preset.schedule.kinds.items()
    ]


def _provenance(preset: Contents) -> list[str]:
    origin = preset.provenance
    if not origin.study:
        return []
    versions = ", ".join(f"{name} {version}" for name, version in origin.versions.items())
    return [
        f"Trial {origin.trial} of the study `{_plain(origin.study)}`, {_plain(origin.created)}."
        + (f" {_plain(versions)}." if versions else "")
    ]


def _plain(text: str) -> str:
    """The text without whatever would end a table cell, a heading or a code span."""
    kept = "".join(each if each.isprintable() else " " for each in text)
    for mark in ("|", "`", "<", ">", "[", "]"):
        kept = kept.replace(mark, " ")
    return kept
