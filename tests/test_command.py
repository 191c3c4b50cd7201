"""``dato-search`` starts beside whatever else is on ``PYTHONPATH``, or names what is in the way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The program, with a folder of the user's before ours."""
    code = "import sys, dato_search; sys.exit(dato_search.main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}"},
        cwd=path,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("name", ["search.py", "search/__init__.py", "dato.py"])
def test_a_module_in_the_way_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    done = run(tmp_path, "--help")
    assert done.returncode == 2
    assert str(tmp_path / name) in done.stderr and "is in the way" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_conf_of_the_user_s_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "__init__.py").touch()
    (tmp_path / "conf" / "config.yaml").write_text("theirs: 1\n")
    done = run(tmp_path, "sweep", "--show")
    assert done.returncode == 0, done.stderr
    assert "name: pocket-planned" in done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["sweep", "--show"]])
def test_libraries_of_the_search_that_are_missing_are_one_sentence(
    tmp_path: Path, arguments: list[str]
) -> None:
    metadata = tmp_path / "dato-9.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(
        "Metadata-Version: 2.4\nName: dato\nVersion: 9\nRequires-Dist: torch>=2\n"
        'Requires-Dist: pytest>=9; extra == "search"\n'
        'Requires-Dist: nowhere-one<9,>=8; extra == "search"\n'
        'Requires-Dist: nowhere-two>=1; extra == "fid"\n'
    )
    done = run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "dato-search: The search needs libraries that are not installed (nowhere-one): "
        "pip install 'dato[search]' brings them.\n"
    )
