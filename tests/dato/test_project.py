"""Rules of the whole project that no single module can keep alone."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from dato.version import __version__

ROOT = Path(__file__).parents[2]
DATA_MODULES = ["errors", "schedule", "topology", "preset", "library", "fit", "version"]
HEAVY = ["torch", "diffusers", "transformers", "numpy"]
SOURCES = sorted(path for room in ("dato", "search") for path in (ROOT / room).rglob("*.py"))


BEHIND = {
    "datasets": ("search/model/prompt_sources.py",),
    "diffusers": ("dato/", "search/model/"),
    "hydra": ("search/settings/hydra_groups.py",),
    "omegaconf": ("search/settings/hydra_groups.py",),
    "optuna": (
        "search/space/distributions.py",
        "search/study/",
        "search/preparation/random_schedules.py",
    ),
    "plotly": ("search/report/",),
    "ray": ("search/workers/",),
    "submitit": ("search/jobs/",),
    "torchmetrics": ("search/quality/",),
    "triton": ("dato/tokens/matching_triton.py",),
    "wandb": ("search/tracking/wandb.py", "search/tracking/wandb_media.py"),
}
"""Where each library may be imported: few files or one room, so that one change replaces it."""


def imported(path: Path) -> set[str]:
    """Top-level packages that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("module", DATA_MODULES)
def test_data_modules_leave_torch_unloaded(module: str) -> None:
    code = f"import sys, dato.{module}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_the_engine_knows_nothing_of_the_search() -> None:
    for path in (ROOT / "dato").rglob("*.py"):
        assert not imported(path) & {"search", "optuna", "hydra", "torchmetrics", "wandb"}, path


def test_nothing_imports_the_experiments_or_the_tests() -> None:
    for path in SOURCES:
        assert not imported(path) & {"experiments", "tests"}, path


@pytest.mark.parametrize("library", BEHIND)
def test_each_library_stays_behind_its_room(library: str) -> None:
    users = [path.relative_to(ROOT).as_posix() for path in SOURCES if library in imported(path)]
    assert not [path for path in users if not path.startswith(BEHIND[library])]


def test_the_version_is_written_once() -> None:
    assert version("dato") == __version__
    written = re.compile(rf'version\w*\s*=\s*"{re.escape(__version__)}"')
    files = [*SOURCES, ROOT / "pyproject.toml"]
    holders = [path.name for path in files if written.search(path.read_text(encoding="utf-8"))]
    assert holders == ["version.py"]
    assert f"[{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_torch_is_pinned_without_a_build() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    rules = [line for line in pins if line and not line.startswith("#")]
    assert "torch==2.13.0" in rules
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in rules)


def test_git_ignores_no_file_of_the_project() -> None:
    """Linters and the wheel leave out what git ignores, also where it is tracked."""
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == ""


def test_both_packages_are_typed() -> None:
    assert (ROOT / "dato" / "py.typed").is_file()
    assert (ROOT / "search" / "py.typed").is_file()
