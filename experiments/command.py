"""How the commands of the experiments begin, and what a record says of its place."""

from __future__ import annotations

import argparse
import platform
import re
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path

import torch


def command(text: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the module's own text, line by line."""
    return argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options of this process, which computes with one thread from here on."""
    torch.set_num_threads(1)
    return parser.parse_args()


def versions(*libraries: str) -> dict[str, str]:
    """Of Python and of libraries; ``"not installed"`` for those that are not."""
    return {"python": platform.python_version()} | {name: version(name) for name in libraries}


def version(library: str) -> str:
    """Of an installed library."""
    try:
        return installed(library)
    except PackageNotFoundError:
        return "not installed"


def processor() -> str:
    """The processor's name, or its architecture."""
    path = Path("/proc/cpuinfo")
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    name = re.search(r"model name\s*: (.*)", text)
    return name[1] if name else platform.machine()
