"""What the README and the docs tell people to type works."""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
import yaml

import dato
from search.cli.parser import build_parser
from search.model.architectures import PUBLISHED
from search.model.untrained import build
from search.settings.compose import compose_config
from search.space import SpaceContext, load_space

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = sorted(
    {
        *PAGES,
        *ROOT.glob("*.md"),
        *(ROOT / "experiments").rglob("*.md"),
        *(ROOT / "integrations").rglob("*.md"),
    }
)
PATH = re.compile(
    r"(?<![\w./-])(?:dato|search|conf|experiments|integrations|tests|docs)/[\w./-]*\w"
)
MODULE = re.compile(
    r"(?<![\w./:-])(?:dato|search|conf|experiments|integrations|tests)(?:\.[a-z_]\w*)+", re.I
)
GENERATED = ("experiments/pocket/runs", "experiments/real/cuda.json")
"""What commands of the texts write, and the repository does not hold."""

ENTRY_POINTS = {"dato.scores", "dato.features"}
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


SOURCES = sorted(
    path
    for room in ("dato", "search", "conf", "experiments", "integrations")
    for path in (ROOT / room).rglob("*")
    if path.suffix in (".py", ".yaml")
)
RUN = re.compile(r"python -m ((?:dato|search|experiments|tests)(?:\.\w+)*)")
"""A module that a text or a docstring tells people to run."""

INLINE = re.compile(r"`dato-search ([a-z]+(?:-[a-z]+)*)")


def blocks(language: str, pages: Sequence[Path] = PAGES) -> Iterator[tuple[str, str]]:
    """Page name and text of every fenced block of a language."""
    for page in pages:
        for match in FENCE.finditer(page.read_text(encoding="utf-8")):
            if match[1] == language:
                yield page.name, match[2]


def commands() -> list[list[str]]:
    """Arguments of every ``dato-search`` command."""
    found = []
    for _, text in blocks("sh", TEXTS):
        for line in text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["dato-search"]:
                found.append(words[1:])
    return found


COMMANDS = commands()


def test_there_is_something_to_check() -> None:
    used = {command[0] for command in COMMANDS}
    assert {"sweep", "resume", "generate", "explain", "cost-table", "retarget"} <= used


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_command_parses_and_its_settings_exist(arguments: list[str]) -> None:
    options, rest = build_parser().parse_known_args(arguments)
    assert not [word for word in rest if word.startswith("-")]
    if arguments[0] in ("sweep", "cost-table"):
        overrides = [*options.overrides, *rest]
        compose_config([each for each in overrides if "warmstart.study" not in each])


@pytest.mark.parametrize("name", sorted({name for name, _ in blocks("python")}))
def test_the_python_of_a_page_runs(name: str, tmp_path: Path) -> None:
    """The blocks of a page run one after the other; what only a user has is named in capitals."""
    parts = [text for page, text in blocks("python") if page == name]
    runnable = [text for text in parts if "pipe" not in text or "load_pipeline" in text]
    code = "\n".join(runnable) or "pass"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=200
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("page", "text"), list(blocks("yaml")), ids=lambda each: str(each)[:20])
def test_a_space_of_the_docs_loads(page: str, text: str) -> None:
    assert load_space(yaml.safe_load(text)).spec.name == "mine", page


def rows_of(page: str, head: str) -> list[list[str]]:
    """Cells of the table whose head begins with a text."""
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = text[text.index(head) :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_readme_lists_the_options_of_each_group() -> None:
    for groups, options in rows_of("README.md", "| group | options |"):
        names = re.findall(r"`(\w+)`", groups)
        parts = options.split(";") if len(names) > 1 else [options]
        for group, part in zip(names, parts, strict=True):
            listed = set(re.findall(r"`(\w+)`", part))
            assert listed == {path.stem for path in (ROOT / "conf" / group).glob("*.yaml")}, group


def test_the_readme_lists_commands_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"`([a-z-]+)`", text[text.index("lists the commands:") :].split(".\n")[0])
    assert len(listed) > 10
    for name in listed:
        with pytest.raises(SystemExit, match="0"):
            build_parser().parse_args([name, "--help"])


def test_the_dimensions_of_a_space_are_as_the_page_says() -> None:
    topology = dato.topology(build(PUBLISHED["sd15"], torch.float32, torch.device("meta")))
    context = SpaceContext(50, topology, (0.0,) + (0.1,) * 49)
    for title, _, dimensions in rows_of("docs/tune.md", "| `space=` | searches |"):
        path = ROOT / "conf" / "space" / f"{title.split('`')[1]}.yaml"
        space = load_space(yaml.safe_load(path.read_text(encoding="utf-8")))
        assert len(space.parameters(context)) == int(dimensions), title


def test_every_page_is_in_the_site() -> None:
    listed = re.findall(r"[\w-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(page.name for page in PAGES[1:])


def test_a_page_links_to_nothing_outside_the_site() -> None:
    for page in PAGES[1:]:
        assert "](../" not in page.read_text(encoding="utf-8"), page.name


@pytest.mark.parametrize("text", TEXTS, ids=lambda each: str(each.relative_to(ROOT)))
def test_every_path_that_a_text_names_exists(text: Path) -> None:
    """Words in capitals stand for what the reader chooses, as in ``conf/space/NAME.yaml``."""
    named = set(PATH.findall(text.read_text(encoding="utf-8")))
    chosen = {path for path in named if any(part.isupper() for part in re.split("[/.]", path))}
    rest = sorted(path for path in named - chosen if not path.startswith(GENERATED))
    assert not [path for path in rest if not (ROOT / path).exists()]


@pytest.mark.parametrize("text", TEXTS, ids=lambda each: str(each.relative_to(ROOT)))
def test_every_module_and_name_in_it_that_a_text_names_exists(text: Path) -> None:
    named = set(MODULE.findall(text.read_text(encoding="utf-8"))) - ENTRY_POINTS
    assert not [name for name in sorted(named) if not is_importable(name)]


@pytest.mark.parametrize("text", TEXTS, ids=lambda each: str(each.relative_to(ROOT)))
def test_every_command_that_a_sentence_names_exists(text: Path) -> None:
    named = sorted(set(INLINE.findall(text.read_text(encoding="utf-8"))))
    for command in named:
        with pytest.raises(SystemExit) as exit_:
            build_parser().parse_args([command, "--help"])
        assert exit_.value.code == 0, command


def test_every_module_that_people_are_told_to_run_can_be_run() -> None:
    told = {
        (path, name)
        for path in (*TEXTS, *SOURCES)
        for name in RUN.findall(path.read_text(encoding="utf-8"))
    }
    assert not [(path, name) for path, name in sorted(told) if not runs(name)]


def test_every_experiment_that_a_docstring_names_exists() -> None:
    named = {
        (path, name)
        for path in SOURCES
        for name in PATH.findall(path.read_text(encoding="utf-8"))
        if name.startswith("experiments/") and not name.startswith(GENERATED)
    }
    assert not [(path, name) for path, name in sorted(named) if not (ROOT / name).exists()]


def runs(name: str) -> bool:
    """Whether a module, or a package's ``__main__``, does something when it is run."""
    path = ROOT.joinpath(*name.split("."))
    file = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
    return file.is_file() and "main()" in file.read_text(encoding="utf-8")


def is_importable(name: str) -> bool:
    """Whether a dotted name is a module, or an attribute of one, or of a class in one."""
    words = name.split(".")
    for count in range(len(words), 0, -1):
        try:
            if find_spec(".".join(words[:count])) is None:
                continue
        except ModuleNotFoundError:
            continue
        if count == len(words):
            return True
        found: object = importlib.import_module(".".join(words[:count]))
        for word in words[count:]:
            found = getattr(found, word, None)
        return found is not None
    return False
