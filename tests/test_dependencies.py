"""What the packages import is declared, not had by way of another package."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("dato", "search", "conf")
NAMES = {"PIL": "pillow", "hydra": "hydra-core", "yaml": "pyyaml"}
"""Distributions whose module has another name."""


OPTIONAL = {"triton"}
"""What the engine runs without: a kernel for GPUs, which comes with torch's CUDA builds."""


def imported(*folders: str) -> set[str]:
    """Distributions of all modules that are imported, at the top of a file or inside a function."""
    names = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
    modules = {name.partition(".")[0] for name in names}
    modules -= {*sys.stdlib_module_names, *PACKAGES, "dato_search"}
    return {NAMES.get(name, name.replace("_", "-")) for name in modules}


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9_-]", each)[0].lower() for each in requirements}


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
BASE = names_of(PROJECT["dependencies"])
SEARCH = names_of(EXTRAS["search"])


def test_every_import_is_a_declared_dependency() -> None:
    assert not imported(*PACKAGES) - BASE.union(*map(names_of, EXTRAS.values()))


@pytest.mark.parametrize("folder", ["dato", "search/pocket"])
def test_the_base_install_is_all_that_the_engine_and_the_embedded_model_need(folder: str) -> None:
    assert not imported(folder) - BASE - OPTIONAL


def test_the_base_install_brings_nothing_for_the_search_alone() -> None:
    assert not BASE & SEARCH
    # What loads pipelines; diffusers names it where it is missing.
    assert not BASE - imported("dato", "search/pocket") - {"transformers"}


def test_every_extra_of_the_search_brings_the_search() -> None:
    alone = {name for name, wanted in EXTRAS.items() if "dato[search]" not in wanted}
    assert alone == {"search", "docs"}


def test_the_constraints_pin_the_engine_and_the_search() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    assert not (BASE | SEARCH) - pinned
