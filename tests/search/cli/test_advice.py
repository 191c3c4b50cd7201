"""Every command that a message advises is one that works."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.cli.main import _parse, main
from search.cli.parser import build_parser
from search.errors import RESUME, UserError
from search.records.folder import StudyFolder
from tests.search.cli.test_reading_commands import recorded

ROOT = Path(__file__).parents[3]
OWN = re.compile(r"dato-search (?P<command>[a-z]+(?:-[a-z]+)*)(?P<rest>[^.;,'\")]*)")
EXTRA = re.compile(r"pip install 'dato\[(?P<extra>\w+)\]'")
HELP = "search/cli/commands/"
"""Where help texts are, which know no study."""


def texts(path: Path) -> Iterator[str]:
    """Every text of a module but its docstrings; ``{}`` stands for what is put into it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            silent |= {id(part) for part in node.values}
            yield "".join(
                part.value if isinstance(part, ast.Constant) else "{}"  # type: ignore[misc]
                for part in node.values
            )
        elif isinstance(node, ast.Constant) and id(node) not in silent:
            yield str(node.value)


def advices() -> Iterator[tuple[str, str]]:
    """(module, text) of everything that names a command."""
    for folder in ("search", "dato"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for text in texts(path):
                if "dato-search " in text or "pip install" in text:
                    yield str(path.relative_to(ROOT)), text


ADVICES = [*advices()]
MODULES = sorted({module for module, _ in ADVICES if not module.startswith(HELP)})


def commands() -> dict[str, argparse.ArgumentParser]:
    actions = build_parser()._actions
    found = next(each for each in actions if isinstance(each, argparse._SubParsersAction))
    return dict(found.choices)


def test_commands_and_extras_that_are_advised_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [match["command"] for _, text in ADVICES for match in OWN.finditer(text)]
    extras = [match["extra"] for _, text in ADVICES for match in EXTRA.finditer(text)]
    assert len(set(named)) > 5 and len(set(extras)) > 3
    assert set(named) <= set(commands())
    assert set(extras) <= set(project["optional-dependencies"])


@pytest.mark.parametrize("module", MODULES)
def test_whoever_advises_to_resume_says_which_study(module: str) -> None:
    found = [text for each, text in ADVICES if each == module]
    for match in (match for text in found for match in OWN.finditer(text)):
        if match["command"] == "resume":
            assert match["rest"].split()[:1] in (["{}"], ["FOLDER"]), match[0]


def examples() -> Iterator[str]:
    """The commands that help texts show, with their lines joined."""
    for text in (text for path in (ROOT / HELP).glob("*.py") for text in texts(path)):
        for line in text.replace("\\\n", " ").splitlines():
            if line.startswith("  dato-search "):
                yield line.split("  #")[0].strip()


@pytest.mark.parametrize("line", [*dict.fromkeys(examples())])
def test_every_example_of_a_help_text_is_understood(line: str) -> None:
    options = _parse(shlex.split(line)[1:])
    assert callable(options.run)


def test_an_error_that_knows_no_study_is_given_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise UserError(f"No worker. Go on with {RESUME}.")

    monkeypatch.setattr("search.runs.sweep.run_sweep", fail)
    monkeypatch.setattr("search.cli.audit.run_audit", fail)
    study = recorded(tmp_path / "a study")
    assert main(["resume", str(study)]) == 2
    assert f"Go on with {StudyFolder(study).go_on}." in capsys.readouterr().err
    assert main(["audit", str(study)]) == 2
    assert "Go on with the same command." in capsys.readouterr().err
    assert (
        main(["sweep", f"study.folder={tmp_path / 'new'}", "quality.real=none", "tracker=none"])
        == 2
    )
    assert "Go on with the same command." in capsys.readouterr().err


def test_a_study_that_is_there_is_gone_on_with_as_advised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = recorded(tmp_path / "it's a study", finished=False)
    assert main(["sweep", f"study.folder={study}"]) == 2
    refused = capsys.readouterr().err
    assert main(["status", str(study)]) == 0
    shown = capsys.readouterr().out
    for text in (refused, shown):
        advised = text[text.index("dato-search resume") :].splitlines()[0]
        assert StudyFolder.open(_parse(shlex.split(advised)[1:]).folder).root == study
