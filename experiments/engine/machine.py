"""What a measurement was taken on."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import torch

from experiments.command import processor
from experiments.command import versions as versions_of

_LIBRARIES = ("torch", "diffusers", "triton", "DeepCache", "tomesd", "dato")
_CLOCKS = "clocks.sm,clocks.max.sm,clocks.mem,power.draw,power.limit,temperature.gpu"


def device_name(device: str) -> str:
    """The GPU's name, or the processor's."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"{processor()}, one thread"


def clocks(device: str) -> dict[str, str]:
    """Clock rates at this moment, and how busy a shared processor is."""
    if device == "cuda":
        command = ["nvidia-smi", f"--query-gpu={_CLOCKS}", "--format=csv,noheader"]
        try:
            line = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            return {}
        return dict(zip(_CLOCKS.split(","), line.splitlines()[0].split(", "), strict=False))
    path = Path("/proc/cpuinfo")
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    rates = ", ".join(re.findall(r"cpu MHz\s*: (.*)", text))
    load = f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    return {"MHz": rates, "load": load}


def versions() -> dict[str, str]:
    """Of Python, CUDA and the libraries that are installed."""
    return {"cuda": torch.version.cuda or "none"} | versions_of(*_LIBRARIES)
