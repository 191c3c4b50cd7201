"""The first lines of a command that measures: what is run, and on what it is judged."""

from __future__ import annotations

from search.records.quality import images_text
from search.settings import Config

SKIPS_ONLY = (
    "The engine has no adapter for this denoiser: schedules have full and skipped calls, and no "
    "pruning or cuts."
)


def opening_lines(config: Config, heldout_images: int | None = None) -> tuple[str, ...]:
    """``"DPM-Solver++ 2M, Karras sigmas, 20 steps, guidance 4"``, a line where the engine does not
    look into the denoiser, and one where there are fewer prompts than images.

    Args:
        heldout_images: of an audit; by default the study's.

    Raises:
        UserError: there is no such scheduler, or the prompts cannot be read.
    """
    from search.model.outline import outline, sampler_line
    from search.workers.open_pool import model_config

    model = model_config(config.model)
    few = _few_prompts(config, heldout_images or config.quality.heldout_images)
    topology = outline(model)
    known = topology is None or topology.skip_branches
    return (sampler_line(model), *([] if known else [SKIPS_ONLY]), *few)


def _few_prompts(config: Config, heldout_images: int) -> tuple[str, ...]:
    """What is judged on fewer prompts than images. A data set is not downloaded for it: the tables
    say it."""
    from search.model.prompt_sources import EMBEDDED
    from search.model.prompts import make_workloads

    source, quality = config.model.prompts, config.quality
    if source.startswith("datasets:"):
        return ()
    workloads = make_workloads(
        source, images=quality.images, heldout_images=heldout_images, seed=config.study.seed
    )
    different = [len(set(workload.prompts)) for workload in workloads]
    counts = (quality.images, heldout_images)
    if all(prompts >= images for prompts, images in zip(different, counts, strict=True)):
        return ()
    told = (
        images_text(images, prompts, kind)
        for images, prompts, kind in zip(
            counts, different, ("images of the search", "held-out images"), strict=True
        )
    )
    judged = ", ".join(told)
    if source == EMBEDDED:
        return (judged,)
    return (
        f"{judged}: prompts come again with other noise, and an FID of few prompts says little "
        "about others. Give more of them in model.prompts.",
    )
