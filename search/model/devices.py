"""Devices on which a study can run, and what they are called."""

from __future__ import annotations

from pathlib import Path

import torch

from search.errors import UserError

TESTED = ("cpu", "cuda")
"""Types of devices on which a study can measure times."""


def device_of(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(
            f"model.device={name!r} is not a device. Use 'cpu', 'cuda' or 'cuda:0'."
        ) from error
    if device.type not in TESTED:
        raise UserError(
            f"model.device={name!r} is not supported: studies run on {' and '.join(TESTED)}, where "
            "times can be measured. Use model.device=cpu, or cuda on a machine that has one."
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(
            f"model.device={name!r} is not on this machine "
            f"(it has {torch.cuda.device_count()} CUDA devices). Use model.device=cpu."
        )
    if device.type == "cpu" and device.index:
        raise UserError(f"model.device={name!r} does not exist. Use model.device=cpu.")
    return device


def device_name(device: torch.device) -> str:
    """A name that a person recognises, such as ``"NVIDIA H200"`` or the processor's model."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return "CPU"
