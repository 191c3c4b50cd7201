"""The public names, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import dato

PUBLIC = [
    "DatoError",
    "Kind",
    "Layer",
    "MismatchError",
    "PortableSampler",
    "Preset",
    "PresetError",
    "Schedule",
    "ScheduleError",
    "Slope",
    "Tokens",
    "Topology",
    "TunedSampler",
    "UnsupportedError",
    "__version__",
    "applied",
    "apply",
    "compile",
    "explain",
    "export_sampler",
    "fingerprint",
    "kdiffusion",
    "list_presets",
    "load_preset",
    "remove",
    "topology",
]


def test_exported_names_are_pinned() -> None:
    assert dato.__all__ == PUBLIC
    assert dir(dato) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_export_exists(name: str) -> None:
    assert getattr(dato, name) is not None


def test_names_win_over_modules_of_the_same_name() -> None:
    from dato.topology import Topology

    assert callable(dato.topology)
    assert dato.Topology is Topology


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        dato.nothing  # noqa: B018


@pytest.mark.parametrize(
    "module",
    ["dato", "dato.schedule", "dato.slope", "dato.portable", "dato.preset", "dato.library"],
)
def test_data_imports_without_torch(module: str) -> None:
    code = f"import sys, {module}; raise SystemExit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
