"""Opens the pool that the settings of a launcher ask for."""

from __future__ import annotations

import os
from dataclasses import fields

import torch

from search.model.cut_prompts import say_cut
from search.model.generator import Generator
from search.model.loading import ModelConfig
from search.model.workload import Workload
from search.settings import LauncherSettings, ModelSettings
from search.workers.local_pool import LocalPool
from search.workers.pool import Pool, SerialPool
from search.workers.ray_pool import RayPool


def open_pool(
    launcher: LauncherSettings, model: ModelConfig, search: Workload, heldout: Workload | None
) -> Pool:
    """Load ``model`` wherever the launcher runs it, and warn of prompts that are too long for it.

    Raises:
        UserError: the model cannot be loaded there, or there is no such place.
    """
    pool = _opened(launcher, model, search, heldout)
    say_cut(pool.description.cut_prompts, len(search))
    return pool


def _opened(
    launcher: LauncherSettings, model: ModelConfig, search: Workload, heldout: Workload | None
) -> Pool:
    if launcher.kind == "ray":
        return RayPool(
            model,
            search,
            heldout,
            launcher.workers,
            launcher.timeout_s,
            launcher.address,
            launcher.accelerator,
        )
    workers = launcher.workers or _default_workers(model)
    if launcher.kind == "slurm":
        workers = 1  # each job runs trials of its own
    alone = workers == 1 and launcher.timeout is None
    if launcher.kind == "serial" or alone:
        return SerialPool(Generator(model, search), heldout)
    return LocalPool(model, search, heldout, workers, launcher.timeout_s)


def model_config(settings: ModelSettings) -> ModelConfig:
    """The part of the settings that a generator loads; only bases have given timesteps."""
    names = {field.name for field in fields(ModelConfig)} & set(type(settings).model_fields)
    return ModelConfig(**{name: getattr(settings, name) for name in names})


def metric_device(model: ModelSettings) -> str:
    """Device on which the driver runs the networks of metrics: the model's, or the CPU if this
    machine has no such device, because the model may run on another machine of a cluster."""
    if model.device.startswith("cuda") and not torch.cuda.is_available():
        return "cpu"
    return model.device


def _default_workers(model: ModelConfig) -> int:
    """The default number of workers: one for each core, or one for each GPU."""
    if model.device.startswith("cuda"):
        return max(1, torch.cuda.device_count()) if model.device == "cuda" else 1
    return len(os.sched_getaffinity(0))
