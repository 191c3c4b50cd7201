"""What the packages import is declared, not had by way of another package."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("dato", "search", "conf")
NAMES = {"PIL": "pillow", "hydra": "hydra-core", "yaml": "pyyaml"}
"""Distributions whose module has another name."""


def imported() -> set[str]:
    """Distributions of all modules that are imported, at the top of a file or inside a function."""
    found = set()
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
    modules = {name.partition(".")[0] for name in found}
    modules -= {*sys.stdlib_module_names, *PACKAGES}
    return {NAMES.get(name, name.replace("_", "-")) for name in modules}


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(each for extra in extras for each in extra)]
    return {re.split(r"[^A-Za-z0-9_-]", each)[0].lower() for each in wanted}


def test_every_import_is_a_declared_dependency() -> None:
    assert not imported() - declared()


def test_the_constraints_pin_every_base_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base = {re.split(r"[^A-Za-z0-9_-]", each)[0].lower() for each in project["dependencies"]}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    assert not base - pinned
