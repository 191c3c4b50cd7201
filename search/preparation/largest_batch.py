"""``model.batch_size=auto``: the largest batch that fits into a GPU with memory to spare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from dato import Kind, Schedule
from search.errors import TrialError, UserError
from search.model.generator import Generator
from search.model.loading import ModelConfig, load_pipeline
from search.model.workload import Workload
from search.settings import Config, batch_sizes, cpu_batch
from search.workers.open_pool import model_config
from search.workers.ray_cluster import run_on_cluster

SHARE = 0.8
"""Share of the GPU's memory that a batch may use. The metric's networks, and what other schedules
cache, need the rest."""

STEPS = 4


def automatic_batch(config: Config) -> int:
    """The batch size of a study on ``config``'s device.

    Raises:
        UserError: the model does not load, or not even one image fits.
    """
    launcher, device = config.launcher, config.model.device
    if not device.startswith("cuda"):
        return cpu_batch(config)
    if launcher.kind == "ray":
        work = partial(_measured, config)
        return run_on_cluster(work, device, launcher.address, launcher.accelerator)
    return _measured(config)


def _measured(config: Config) -> int:
    """Measure, and leave nothing on the GPU, where the study's model is loaded next."""
    try:
        return _tried(model_config(config.model), batch_sizes(config))
    finally:
        torch.cuda.empty_cache()


def _tried(model: ModelConfig, sizes: Sequence[int]) -> int:
    pipe = load_pipeline(model)
    return largest_batch(sizes, lambda size: probe(model, pipe, size))


def largest_batch(sizes: Sequence[int], run: Callable[[int], None]) -> int:
    """The last of the growing ``sizes`` for which ``run`` has enough memory.

    Raises:
        UserError: the first is too large already.
    """
    fits = None
    for size in sizes:
        try:
            run(size)
        except torch.OutOfMemoryError as error:
            reason = str(error).splitlines()[0]
            break
        fits = size
    if fits is None:
        raise UserError(
            f"model.batch_size=auto found no batch: not even {sizes[0]} image fits into the GPU "
            f"({reason}). Take "
            "model.dtype=float16, model.vae_tiling=true or a GPU with more memory."
        )
    return fits


def probe(model: ModelConfig, pipe: Any, size: int) -> None:
    """Generate images of ``size`` prompts, unpatched and with a schedule that caches and prunes.

    Raises:
        torch.OutOfMemoryError: they do not fit into :data:`SHARE` of the GPU's memory.
    """
    device = torch.device(model.device)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    workload = Workload(("a photo",) * size, seed=0)
    brief = replace(model, batch_size=size, num_inference_steps=STEPS)
    try:
        generator = Generator(brief, workload, pipe=pipe)
        for schedule in (None, _demanding(generator)):
            generator.generate(schedule, range(size))
    except TrialError as error:
        if isinstance(error.__cause__, torch.OutOfMemoryError):
            raise error.__cause__ from None
        raise UserError(f"model.batch_size=auto found no batch: {error}") from error
    used = torch.cuda.max_memory_reserved(device)
    total = torch.cuda.get_device_properties(device).total_memory
    if used > SHARE * total:
        raise torch.OutOfMemoryError(f"{used} of {total} bytes are used")


def _demanding(generator: Generator) -> Schedule:
    """A schedule of full and cached calls in turn that prunes the level with the most tokens."""
    if not generator.topology.skip_branches:
        return Schedule.uniform(generator.calls, 2, 0)
    levels = {layer.level for layer in generator.topology.layers}
    prune = {f"level_{min(levels)}": 0.5} if levels else {}
    kinds = {"full": Kind("full", prune), "shallow": Kind(1)}
    steps = ["full" if call % 2 == 0 else "shallow" for call in range(generator.calls)]
    return Schedule(kinds, tuple(steps))
