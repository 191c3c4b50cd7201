"""What is published: built twice alike, small, typed, and whole where there is no checkout."""

from __future__ import annotations

import email
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from dato import list_presets
from dato.version import __version__
from tests.search.cli.test_study_life import SMALL

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
LARGEST = 28_000_000
"""Bytes of the wheel; almost all are the embedded models' weights."""

PAST_WHAT_IS_NOT_OURS = "".join(
    f"[mypy-{library}.*]\nfollow_imports = skip\n"
    for library in ("torch", "diffusers", "transformers", "numpy", "pydantic", "huggingface_hub")
)
USER = """\
import dato
preset = dato.load_preset("pocket/fast")
reveal_type(preset.schedule.calls)
dato.list_presets(3)
"""


def build(source: Path, out: Path, *targets: str) -> Path:
    """Run the build backend in a source tree; gives the wheel."""
    pytest.importorskip("hatchling", reason="the build backend is not installed (extra dev)")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(out)]
    for target in targets:
        command += ["-t", target]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel and the libraries it asks for, and an empty folder."""

    folder: Path
    binaries: Path

    def run(self, *command: str) -> str:
        """What a command says, run in the empty folder by what the environment holds."""
        done = self.end(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def end(self, *command: str) -> subprocess.CompletedProcess[str]:
        """How a command ends, well or not."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        words = [str(self.binaries / command[0]), *command[1:]]
        return subprocess.run(
            words, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=200
        )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist."""
    out = tmp_path_factory.mktemp("dist")
    build(ROOT, out)
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


def environment_with(home: Path, wheel: Path) -> tuple[Installed, Path]:
    """An environment that holds the wheel alone, and the folder of its packages."""
    venv.create(home / "env", symlinks=True)
    binaries = home / "env" / "bin"
    (packages,) = (home / "env" / "lib").glob("python*/site-packages")
    pip = [sys.executable, "-m", "pip", "--python", str(binaries / "python")]
    flags = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *flags, str(wheel)], check=True)
    (home / "empty").mkdir()
    return Installed(home / "empty", binaries), packages


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """With all libraries, as after ``pip install 'dato[search]'``."""
    made, packages = environment_with(tmp_path_factory.mktemp("user"), wheel)
    # This interpreter's libraries, behind the wheel. A folder that a .pth file names is searched,
    # but the .pth files in it are not read: an editable install of the checkout stays unseen.
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return made


@pytest.fixture(scope="module")
def engine(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """With the libraries that ``pip install dato`` brings, and no other."""
    made, packages = environment_with(tmp_path_factory.mktemp("engine"), wheel)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for library in brought_by(project["dependencies"]):
        for file in library.files or ():
            top = packages / file.parts[0]
            if file.parts[0] != ".." and not top.exists():
                top.symlink_to(Path(str(library.locate_file(file.parts[0]))))
    return made


def brought_by(requirements: Iterable[str]) -> list[Distribution]:
    """What an installer takes for requirements, here: they and, in turn, what they require."""
    taken: dict[tuple[str, str], Distribution] = {}
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        wanted, extra = waiting.pop()
        if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
            continue
        library = distribution(wanted.name)
        for chosen in ("", *wanted.extras):
            if (wanted.name, chosen) not in taken:
                taken[wanted.name, chosen] = library
                waiting += [(Requirement(text), chosen) for text in library.requires or ()]
    return list(taken.values())


def test_two_builds_and_one_from_the_sdist_are_alike(
    built: Path, wheel: Path, tmp_path: Path
) -> None:
    (sdist,) = built.glob("*.tar.gz")
    again = build(ROOT, tmp_path / "again")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    assert again.read_bytes() == wheel.read_bytes()
    assert build(source, tmp_path / "third", "wheel").read_bytes() == wheel.read_bytes()


def test_the_wheel_holds_the_packages_and_their_data_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    rooms = {name.partition("/")[0] for name in names}
    assert rooms == {"dato", "search", "conf", "dato_search.py", f"dato-{__version__}.dist-info"}
    shipped = [
        path.relative_to(ROOT).as_posix()
        for room in ("dato", "search", "conf")
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert set(shipped) <= names
    assert {"dato/py.typed", "search/py.typed"} <= names
    assert wheel.stat().st_size < LARGEST


def test_the_metadata_is_that_of_the_project(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"dato-{__version__}.dist-info/METADATA").decode()
    metadata = email.message_from_string(text)
    assert metadata["Version"] == __version__
    assert metadata["Requires-Python"] == project["requires-python"]
    extras = set(metadata.get_all("Provides-Extra") or ())
    assert extras == set(project["optional-dependencies"]) >= {"dashboard", "dev", "fid", "ray"}


def test_nothing_of_the_checkout_can_be_imported(installed: Installed) -> None:
    code = (
        "import dato, search, conf, json, importlib.util as u, importlib.metadata as m;"
        "print(json.dumps([dato.__file__, search.__file__, conf.__file__, m.version('dato'),"
        " [n for n in ('tests', 'experiments') if u.find_spec(n)], dato.list_presets()]))"
    )
    *files, version, ours, presets = json.loads(installed.run("python", "-c", code))
    environment = installed.binaries.parent.resolve()
    assert all(Path(file).resolve().is_relative_to(environment) for file in files)
    assert (version, ours, tuple(presets)) == (__version__, [], list_presets())


USE = """\
import dato
from dato.pocket import load_pipeline

pipe = load_pipeline()
preset = dato.load_preset("pocket/fast")
steps = preset.sampler.num_inference_steps
dato.apply(pipe, preset)
prompt = "a red circle on a white background"
image = pipe(prompt, num_inference_steps=steps, guidance_scale=2.0).images[0]
dato.remove(pipe)

import json, search.pocket  # what reads its images needs no more
print(json.dumps([image.size, image.getpixel((2, 2))]))
"""


def test_the_wheel_alone_runs_a_preset(engine: Installed) -> None:
    size, corner = json.loads(engine.run("python", "-c", USE))
    assert size == [64, 64]
    assert min(corner) > 200, "the background is white"


def test_the_search_says_what_it_lacks_beside_the_wheel_alone(engine: Installed) -> None:
    for command in (["dato-search"], ["python", "-m", "search"]):
        done = engine.end(*command, "--help")
        assert (done.returncode, done.stdout) == (2, "")
        (said,) = done.stderr.splitlines()
        assert all(name in said for name in ("hydra-core", "optuna", "wandb"))
        assert said.endswith("pip install 'dato[search]' brings them.")


def test_the_command_line_works_in_an_empty_folder(installed: Installed) -> None:
    assert "demo" in installed.run("dato-search", "--help")
    assert installed.run("python", "-m", "search", "--version") == f"dato-search {__version__}\n"
    assert "num_inference_steps: 50" in installed.run("dato-search", "sweep", "--show")
    arguments = ("generate", "--preset", "pocket/fast", "--prompt", "a red circle")
    assert installed.run("dato-search", *arguments, "--out", "x.png") == "x.png\n"
    assert (installed.folder / "x.png").is_file()


def test_a_sweep_runs_in_an_empty_folder(installed: Installed) -> None:
    settings = [*SMALL, "budget.trials=2", "launcher.workers=2", "study.folder=study"]
    said = installed.run("dato-search", "sweep", "--plain", *settings)
    assert "[2/2]" in said
    study = installed.folder / "study"
    assert list((study / "presets").glob("*.json"))
    assert "<html" in (study / "report.html").read_text(encoding="utf-8")
    assert "unpatched" in installed.run("dato-search", "front", "study")


def test_the_demos_page_is_there(installed: Installed) -> None:
    code = "from importlib.resources import files; print(files('search.demo') / 'page.html')"
    assert Path(installed.run("python", "-c", code).strip()).is_file()


def test_a_users_type_checker_sees_the_types(installed: Installed, tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed (extra dev)")
    (tmp_path / "user.py").write_text(USER)
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nstrict = true\n{PAST_WHAT_IS_NOT_OURS}")
    python = str(installed.binaries / "python")
    # From a folder of its own: mypy also reads what lies in the folder that it runs in.
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--python-executable", python, "user.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    said = done.stdout
    assert (done.returncode, done.stderr) == (1, ""), said
    assert 'Revealed type is "int"' in said or 'Revealed type is "builtins.int"' in said
    assert 'incompatible type "int"; expected "str | None"' in said
    assert said.count("error:") == 1, said
