"""Which model a study runs, and how its diffusers pipeline is loaded."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import DiffusionPipeline
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from search.errors import UserError

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
POCKET = "pocket"


@dataclass(frozen=True)
class ModelConfig:
    """A model and its sampler.

    Args:
        path: a diffusers pipeline folder, ``"pocket"`` for the embedded model, or a hub name
            that the local cache holds.
        scheduler: class name of a diffusers scheduler, such as ``"DDIMScheduler"``.
        num_inference_steps: steps asked of the scheduler (its calls may be more).
        guidance_scale: 1 or less runs without classifier-free guidance.
        dtype: ``"float32"``, ``"float16"`` or ``"bfloat16"``.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.
        batch_size: images per denoising run.
    """

    path: str = POCKET
    scheduler: str = "DDIMScheduler"
    num_inference_steps: int = 50
    guidance_scale: float = 3.0
    dtype: str = "float32"
    device: str = "cpu"
    batch_size: int = 8

    def __post_init__(self) -> None:
        for name in ("num_inference_steps", "batch_size"):
            if getattr(self, name) < 1:
                raise UserError(f"model.{name} is at least 1; found {getattr(self, name)}.")
        if self.dtype not in DTYPES:
            raise UserError(
                f"model.dtype is one of {', '.join(DTYPES)}; found {self.dtype!r}. Choose one."
            )

    @property
    def guided(self) -> bool:
        """Whether every image takes two rows of the denoiser's batch."""
        return self.guidance_scale > 1


def load_pipeline(model: ModelConfig) -> Any:
    """The pipeline with its scheduler swapped, on its device, progress bar off.

    Raises:
        UserError: the folder, the scheduler or the device does not exist.
    """
    device = _device(model.device)
    with _quiet():
        pipe = _load(_source(model.path), model)
    set_scheduler(pipe, model.scheduler)
    pipe.set_progress_bar_config(disable=True)
    return pipe.to(device)


def _load(source: str, model: ModelConfig) -> Any:
    try:
        return DiffusionPipeline.from_pretrained(
            source, dtype=DTYPES[model.dtype], local_files_only=True
        )
    except (OSError, ValueError) as error:
        raise UserError(
            f"model.path={model.path!r} could not be loaded as a diffusers pipeline "
            f"({str(error).splitlines()[0]}). Give a folder that save_pretrained wrote."
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and no chatter from the libraries while a model loads."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    for library in (diffusers_logging, transformers_logging):
        library.disable_progress_bar()
    try:
        yield
    finally:
        logging.disable(before)
        for library in (diffusers_logging, transformers_logging):
            library.enable_progress_bar()


def _source(path: str) -> str:
    if path == POCKET:
        from search.pocket import pocket_path

        path = str(pocket_path())
    is_hub_name = path.count("/") == 1 and not path.startswith((".", "/", "~"))
    folder = Path(path).expanduser()
    if folder.is_dir() and not (folder / "model_index.json").is_file():
        raise UserError(
            f"model.path={path!r} has no model_index.json. Give a folder that a diffusers "
            "pipeline's save_pretrained wrote."
        )
    if not folder.is_dir() and not is_hub_name:
        raise UserError(
            f"model.path={path!r} is not a folder. Give a diffusers pipeline folder, "
            f"or {POCKET!r} for the embedded model."
        )
    return str(folder) if folder.is_dir() else path


def set_scheduler(pipe: Any, name: str) -> None:
    """Swap the pipeline's scheduler for the diffusers class ``name``, keeping its settings.

    Raises:
        UserError: no such scheduler, or it is none for this model.
    """
    current = pipe.scheduler
    known = sorted({cls.__name__ for cls in current.compatibles} | {type(current).__name__})
    cls = getattr(diffusers, name, None) if name in known else None
    if cls is None:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise UserError(
            f"model.scheduler={name!r} is no scheduler for this model.{hint} "
            f"Valid: {', '.join(known)}."
        )
    pipe.scheduler = cls.from_config(current.config)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(
            f"model.device={name!r} is no device. Use 'cpu', 'cuda' or 'cuda:0'."
        ) from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(
            f"model.device={name!r} is not on this machine "
            f"({torch.cuda.device_count()} CUDA devices found). Use model.device=cpu."
        )
    return device


def device_name(device: torch.device) -> str:
    """A name a person recognises, such as ``"NVIDIA H200"`` or the processor's model."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return "CPU"
