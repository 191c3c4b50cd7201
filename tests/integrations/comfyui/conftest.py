"""ComfyUI where it is importable; elsewhere stand-ins for what the pack asks of its loader."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


class KSampler:
    """Holds what ``comfy.samplers.KSAMPLER`` is made of."""

    def __init__(self, sampler_function: Any) -> None:
        self.sampler_function = sampler_function


class Server:
    """Keeps the texts that nodes show."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []

    def send_progress_text(self, text: str, node_id: str) -> None:
        self.shown.append((text, node_id))


class Folders(ModuleType):
    """One folder of models."""

    def __init__(self, folder: Path) -> None:
        super().__init__("folder_paths")
        self.models_dir = str(folder)
        self.known: dict[str, Path] = {}

    def add_model_folder_path(self, name: str, folder: str) -> None:
        self.known[name] = Path(folder)

    def get_full_path(self, name: str, file: str) -> str | None:
        path = self.known[name] / file.lstrip("/")
        return str(path) if path.is_file() else None


def stand_in(name: str, **values: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(values)
    return module


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is ``models/dato`` in an installation."""
    folder = tmp_path_factory.mktemp("models") / "dato"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def server() -> Server:
    return Server()


@pytest.fixture(scope="session")
def pack(models: Path, server: Server) -> Iterator[Any]:
    """The pack as ComfyUI imports it."""
    with pytest.MonkeyPatch.context() as patch:
        if find_spec("comfy") is None:
            samplers = stand_in("comfy.samplers", KSAMPLER=KSampler)
            patch.setitem(sys.modules, "comfy", stand_in("comfy", samplers=samplers))
            patch.setitem(sys.modules, "comfy.samplers", samplers)
        prompt_server = stand_in("server", PromptServer=stand_in("PromptServer", instance=server))
        patch.setitem(sys.modules, "server", prompt_server)
        patch.setitem(sys.modules, "folder_paths", Folders(models.parent))
        yield import_module("integrations.comfyui")
        for name in [name for name in sys.modules if name.startswith("integrations.comfyui")]:
            del sys.modules[name]
