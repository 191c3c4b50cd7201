"""A Markdown card that says what a preset does, what it was measured on, and how to run it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dato.preset import Preset
    from dato.schedule import Kind


def card(preset: Preset) -> str:
    """The card of a preset, as Markdown with the metadata block of a model card."""
    sampler, model = preset.sampler, preset.model
    lines = [
        "---",
        "library_name: diffusers",
        "tags: [dato, diffusion, feature-caching, token-pruning]",
        "---",
        f"# {_plain(preset.name)}",
        "",
        f"A prune/cache schedule for `{_plain(model.id)}` ({model.skip_branches} skip branches, "
        f"latents of {model.latent_size[0]} x {model.latent_size[1]}), {sampler.scheduler} with "
        f"{sampler.num_inference_steps} steps ({sampler.calls} denoiser calls) and guidance "
        f"{sampler.guidance_scale:g}.",
        "",
        "```python",
        "import dato",
        "",
        "dato.apply(pipe, dato.load_preset(PATH_OR_HUB_NAME))",
        "```",
        "",
        *_measured(preset),
        "",
        "## Calls",
        "",
        "| kind | calls | recomputes | prunes |",
        "|---|---:|---|---|",
        *_kinds(preset),
        "",
        *_provenance(preset),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _measured(preset: Preset) -> list[str]:
    found = preset.measured
    if found is None:
        return ["Not measured."]
    return [
        f"Measured on {_plain(found.device)}, {found.images} images of held-out prompts:",
        "",
        "| | this preset | unpatched |",
        "|---|---:|---:|",
        f"| seconds per image | {found.latency_s:.4g} | {found.baseline_latency_s:.4g} |",
        f"| speed-up | {found.speedup:.2f}x | 1.00x |",
        f"| FID | {found.fid:.4g} | {found.baseline_fid:.4g} |",
    ]


def _kinds(preset: Preset) -> list[str]:
    counts = Counter(preset.schedule.steps)
    return [
        f"| {_plain(name)} | {counts[name]} | {_depth(kind)} | {_prune(kind)} |"
        for name, kind in preset.schedule.kinds.items()
    ]


def _depth(kind: Kind) -> str:
    if kind.depth == 0:
        return "nothing: the last output again"
    return "everything" if kind.depth == "full" else f"the {kind.depth} outermost skip branches"


def _prune(kind: Kind) -> str:
    ratios = [f"{_plain(layer)} {ratio:g}" for layer, ratio in kind.prune.items() if ratio]
    return ", ".join(ratios) or "nothing"


def _provenance(preset: Preset) -> list[str]:
    origin = preset.provenance
    if not origin.study:
        return []
    versions = ", ".join(f"{name} {version}" for name, version in origin.versions.items())
    return [
        f"Trial {origin.trial} of the study `{_plain(origin.study)}`, {_plain(origin.created)}."
        + (f" {_plain(versions)}." if versions else "")
    ]


def _plain(text: str) -> str:
    """Text that cannot break out of its place in a table, a heading or a code span."""
    kept = "".join(each if each.isprintable() else " " for each in text)
    for mark in ("|", "`", "<", ">", "[", "]"):
        kept = kept.replace(mark, " ")
    return kept
