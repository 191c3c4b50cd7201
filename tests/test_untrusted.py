"""What strangers' files can do: nothing but be read or refused."""

from __future__ import annotations

import ast
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from search.cli.main import main
from search.errors import UserError
from search.model.prompt_sources import read_prompts
from search.records.files import trials_from_json
from search.records.folder import StudyFolder
from search.records.reading import SMALL, read_text
from search.secrets import plain_without_passwords, without_passwords
from search.settings.compose import compose_config, load_config, save_config
from search.settings.safe_yaml import read_yaml
from search.tracking.wandb_folders import run_id
from tests.fuzz.targets import Target, targets

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path for room in ("dato", "search", "experiments") for path in (ROOT / room).rglob("*.py")
)
RUN_CODE = {"eval", "exec", "compile", "__import__"}
UNPICKLE = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}


def dangers(tree: ast.Module) -> Iterator[str]:
    """Whatever would unpickle a file or run a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from UNPICKLE & {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            if names - {"UnpicklingError"}:  # what a refused file raises
                yield from UNPICKLE & {(node.module or "").split(".")[0]}
            yield from {"instantiate"} & names
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            given = {item.arg: ast.unparse(item.value) for item in node.keywords}
            if name in RUN_CODE or name.endswith("utils.instantiate"):
                yield name
            if name == "torch.load" and given.get("weights_only") != "True":
                yield name
            if name in ("np.load", "numpy.load") and given.get("allow_pickle") == "True":
                yield name
            if name.startswith("yaml.") and "load" in name and "_Loader" not in ast.unparse(node):
                yield name


def test_no_file_is_unpickled_and_no_text_is_run() -> None:
    for path in SOURCES:
        assert not list(dangers(ast.parse(path.read_text(encoding="utf-8")))), path


@pytest.mark.parametrize(
    "code",
    ["import pickle", "from marshal import loads", "eval('1')", "torch.load(p)", "yaml.load(t)",
     "from hydra.utils import instantiate", "np.load(p, allow_pickle=True)"],
)  # fmt: skip
def test_the_check_above_sees(code: str) -> None:
    assert list(dangers(ast.parse(code)))


READERS = {
    "search/calibration/table.py": "safetensors, after check_file",
    "search/demo/server.py": "a file of this package",
    "search/latency/cost_file.py": "parses what read_text returned",
    "search/model/class_names.py": "parses what read_text returned",
    "search/model/devices.py": "/proc/cpuinfo",
    "search/model/outline.py": "a model's folder",
    "search/model/parts.py": "a model's folder",
    "search/model/prompt_sources.py": "parses what read_text returned",
    "search/model/reference.py": "safetensors, which bound what they say by what they hold",
    "search/pocket/features.py": "a file of this package",
    "search/quality/image_files.py": "pictures of a folder that the user names",
    "search/records/reading.py": "the reader",
    "search/report/page.py": "files of this package",
    "search/report/sample_uris.py": "pictures, after check_file",
    "search/study/storage.py": "cuts a journal's torn last line, after check_file",
}
"""Whose files are not read by ``search.records.reading``, and which they are."""


def reads(tree: ast.Module) -> Iterator[str]:
    """Calls that read a file, or parse one, past :func:`search.records.reading.read_text`."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="read_text" | "read_bytes" as name)):
                yield name
            case ast.Call(func=ast.Attribute(ast.Name("json"), "load" | "loads" as name)):
                yield name
            case ast.Call(func=ast.Name("load_file" | "safe_open" as name)):
                yield name
            case ast.Call(
                func=ast.Attribute(attr="open") | ast.Name("open"),
                args=[*_, ast.Constant(value=str(mode))],
            ) if mode.startswith("r"):
                yield f"open {mode}"


def test_every_other_file_is_read_within_limits() -> None:
    """Whoever reads one in another way says here which it is and what bounds it."""
    found = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if path.is_relative_to(ROOT / "search")
        and list(reads(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert found == set(READERS)


HOSTILE_FILES = {
    "empty": "",
    "a list": "[]",
    "another object": '{"a": 1}',
    "deep nesting": "[" * 100_000,
    "a huge number": '{"version": 1' + "0" * 10_000 + "}",
    "another folder": "../../../x",
    "binary": "\x80\x00\xff",
    "long": "a" * 1_000_001,
}
READ = {
    "config": "config", "journal": "journal", "database": "sqlite", "cost_table": "cost_table",
    "tables": "cost_table", "reference": "reference", "calibration": "calibration",
    "bases": "reference", "features": "features", "inputs": "inputs", "trials": "trials",
    "reference_images": "images", "heldout_images": "images", "audit": "members",
    "front": "front", "rivals": "rivals", "wandb": "run_id",
}  # fmt: skip
"""Which of the readers in ``tests/fuzz`` reads a file of a study, or of one of its folders."""
NOT_READ = {"go_on", "presets", "samples", "report", "jobs"}
"""Written and shown only; samples are pictures, which the report leaves out where they are none."""


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Target]:
    return targets(tmp_path_factory.mktemp("seeds"))


def test_every_file_of_a_study_has_its_reader(readers: Mapping[str, Target]) -> None:
    named = {name for name, value in vars(StudyFolder).items() if isinstance(value, property)}
    assert named == {*READ, *NOT_READ}
    assert set(READ.values()) <= set(readers)


@pytest.mark.filterwarnings("ignore::Warning")
@pytest.mark.parametrize("name", sorted(set(READ.values())))
@pytest.mark.parametrize("hostile", HOSTILE_FILES)
def test_a_hostile_file_of_a_study_is_refused(
    readers: Mapping[str, Target], name: str, hostile: str, tmp_path: Path
) -> None:
    assert not readers[name].accepts(HOSTILE_FILES[hostile], tmp_path)


def study(folder: Path, text: str = "") -> Path:
    path = folder / "config.yaml"
    path.write_text(text or save_config(compose_config([])))
    return path


def test_a_studys_configuration_names_no_code(tmp_path: Path) -> None:
    healthy = save_config(compose_config([]))
    hostile = healthy.replace("sampler:\n", "sampler:\n  _target_: os.system\n", 1)
    with pytest.raises(UserError, match="asks to run code"):
        load_config(study(tmp_path, hostile))


def test_a_studys_configuration_reads_no_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")
    healthy = save_config(compose_config(["study.name=mine"]))
    config = load_config(study(tmp_path, healthy.replace("mine", "${oc.env:TOKEN}")))
    assert config.study.name == "${oc.env:TOKEN}"


BOMB = "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]\n"
HOSTILE_YAML = {
    "aliases": BOMB,
    "an object": "a: !!python/object/apply:os.system [echo]\n",
    "a repeated key": "a: 1\na: 2\n",
    "deep nesting": "a: " + "[" * 40 + "]" * 40,
    "deeper nesting": "a: " + "[" * 30_000,
    "a date": "a: 2001-01-01\n",
    "a date that is none": "a: 2001-13-45\n",
    "NaN": "a: .nan\n",
    "a huge integer": "a: " + "9" * 30,
    "a huge hexadecimal": "a: 0x" + "f" * 90_000,
    "binary": "a: !!binary aGk=\n",
    "a list": "- a\n",
    "no text": "\0",
    "a large file": "a: " + "x" * 100_000,
    "many keys": "".join(f"{number}:\n" for number in range(20_000)) + "19999:\n",
}


@pytest.mark.parametrize("text", HOSTILE_YAML.values(), ids=HOSTILE_YAML.keys())
def test_yaml_is_plain_and_small(text: str, tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text)
    started = time.process_time()
    with pytest.raises(UserError) as caught:
        read_yaml(path)
    assert time.process_time() - started < 5
    assert len(str(caught.value)) < 2_000


def test_a_million_kinds_are_refused_in_bounded_time() -> None:
    kinds = ", ".join(f'"k{number}": {{"depth": 1}}' for number in range(1_000_000))
    trial = (
        '{"number": 0, "state": "fail", "origin": "sampler", "params": {}, "schedule": {"kinds": {'
        + kinds
        + '}, "steps": [], "tokens": {"patch": [2, 2], "dynamics_weight": 1.0, '
        '"noise_weight": 0.1, "protect": 0.2, "share": "level"}}, "latency_s": null, '
        '"speedup": null, "distance": null, "quality": null, "seconds": 0.0, "overhead_s": 0.0, '
        '"reason": ""}'
    )
    text = f'{{"format": "dato-trials", "version": 1, "trials": [{trial}]}}'
    started = time.process_time()
    with pytest.raises(UserError, match=r"at most 1,?024") as caught:
        trials_from_json(text)
    assert time.process_time() - started < 20
    assert len(str(caught.value)) < 1_000


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(UserError, match="no ordinary file"):
            read_text(path, "")
        with pytest.raises(UserError, match="no ordinary file"):
            read_prompts(str(path))


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(10**12)  # sparse: reading it would take hours
    with pytest.raises(UserError, match="1,000,000,000,000 bytes, and at most"):
        read_text(path, "", SMALL)


@pytest.mark.parametrize(
    "text", ["a\0b\n", "a\x1b[31mb\n", "x" * 10_001], ids=["nul", "escape sequence", "long"]
)
def test_prompts_are_short_plain_lines(text: str, tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text(text)
    with pytest.raises(UserError, match="control character"):
        read_prompts(str(path))


def test_a_link_out_of_a_study_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, outside = tmp_path / "study", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    study(folder)
    (folder / "wandb").mkdir()
    (folder / "latest").symlink_to(folder / "wandb")
    StudyFolder.open(folder)
    (folder / "presets").symlink_to(outside)
    for command in ("status", "front", "export", "report", "resume"):
        assert main([command, str(folder)]) == 2
        assert "leads out of the study folder" in capsys.readouterr().err
    assert not list(outside.iterdir())


@pytest.mark.parametrize("place", ["samples/unpatched.png", "audit/deep/er/members.json"])
def test_so_is_one_further_inside(place: str, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    (folder / place).parent.mkdir(parents=True)
    study(folder)
    (tmp_path / "secret").touch()
    (folder / "presets").mkdir()
    (folder / "presets" / "latest").symlink_to(folder / "config.yaml")
    (folder / "wandb").mkdir()
    (folder / "wandb" / "theirs").symlink_to(tmp_path)
    StudyFolder.open(folder)
    (folder / place).symlink_to(tmp_path / "secret")
    with pytest.raises(UserError, match="leads out of the study folder"):
        StudyFolder.open(folder)


@pytest.mark.parametrize("text", ["../../x", "*", "0123456789ab/..", "0123456789AB", ""])
def test_the_id_of_a_run_is_never_a_path(text: str, tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    folder.wandb.mkdir()
    (folder.wandb / "run-id").write_text(text)
    with pytest.raises(UserError, match="holds no id of a run"):
        run_id(folder)


URL = "postgresql://user:hunter2@db.example/optuna"


def test_passwords_are_shown_to_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    assert without_passwords(f"a {URL} b") == "a postgresql://user:***@db.example/optuna b"
    assert without_passwords("http://a.example/b@c") == "http://a.example/b@c"
    assert "hunter2" not in str(plain_without_passwords({"a": [URL, {"b": URL}], "c": 1}))
    assert main(["sweep", f"model.path={URL}", "tracker=none", "study.folder=/dev/null/x"]) == 2
    assert main(["sweep", f"space={URL}"]) == 2
    assert "hunter2" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2@h/d",
        "postgresql://h/d?password=hunter2",
        "postgresql://:hunter2@h/d",
    ],
)
def test_a_password_in_a_storages_url_is_refused_unseen(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "storage=postgres", f"storage.url='{url}'"]) == 2
    said = capsys.readouterr().err
    assert "PGPASSFILE" in said and "***" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "url", ["sqlite:////etc/passwd", "postgresql://h", "postgresql://h/d?passfile=/etc/shadow"]
)
def test_a_storages_url_is_a_servers(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "storage=postgres", f"storage.url='{url}'"]) == 2
    assert "a storage's URL" in capsys.readouterr().err


def test_a_jobs_settings_are_single_words(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "launcher.job.partition='x\ntouch /tmp/y'"
    assert main(["sweep", "launcher=slurm", hostile]) == 2
    assert "launcher.job.partition" in capsys.readouterr().err
