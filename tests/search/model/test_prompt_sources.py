"""Prompts from the formats that their publishers ship."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from search.errors import UserError
from search.model.class_names import class_names
from search.model.prompt_sources import read_prompts
from search.settings.compose import compose_config

COCO = {
    "info": {"year": 2014},
    "images": [{"id": 9, "file_name": "COCO_val2014_000000000009.jpg"}, {"id": 4}],
    "annotations": [
        {"image_id": 9, "id": 31, "caption": "A second caption."},
        {"image_id": 9, "id": 30, "caption": "A first\ncaption of nine. "},
        {"image_id": 4, "id": 77, "caption": "Four."},
        {"image_id": 5, "id": 78, "caption": "  "},
    ],
    "licenses": [],
}
TWO = ["a photo of a tench.", "a photo of a great white shark."]


def test_each_coco_image_gives_its_first_caption(tmp_path: Path) -> None:
    file = tmp_path / "captions_val2014.json"
    file.write_text(json.dumps(COCO))
    assert read_prompts(f"coco:{file}") == ["Four.", "A first caption of nine."]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("classes.txt", "tench\ngreat white shark\n\n"),
        ("LOC_synset_mapping.txt", "n01440764 tench, Tinca tinca\nn01484850 great white shark, x"),
        ("list.json", '["tench", "great white shark"]'),
        ("index.json", '{"10": ["n01484850", "great_white_shark"], "9": ["n01440764", "tench"]}'),
        ("numbers.json", '{"10": "great white shark, x", "9": "tench, Tinca tinca"}'),
        ("synsets.json", '{"n01484850": "great white shark", "n01440764": "tench"}'),
        ("pairs.json", '[["n01440764", "tench"], ["n01484850", "great_white_shark"]]'),
        ("idx_to_labels.txt", "{0: 'tench, Tinca tinca',\n 1: \"great white shark, x\"}"),
        ("map_clsloc.txt", "n01440764 1 tench\nn01484850 2 great_white_shark\n"),
        ("json_in.txt", '{"0": ["n01440764", "tench"], "1": ["n01484850", "great_white_shark"]}'),
    ],
)
def test_imagenet_class_names_in_their_usual_files(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content)
    assert read_prompts(f"imagenet:{file}") == TWO


def test_text_with_and_without_its_tag(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("coco: a drink\n\n two \n")
    assert read_prompts(str(file)) == read_prompts(f"text:{file}") == ["coco: a drink", "two"]


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("coco", '{"images": []}', "no annotations"),
        ("coco", '{"annotations": [{"caption": "x"}]}', "image_id, id and caption"),
        ("coco", '["x"]', "no annotations"),
        ("coco", "{", "is not JSON"),
        ("imagenet", '{"0": 3}', "holds 3, which"),
        ("imagenet", "7", "holds '7', which is no class name"),
        ("imagenet", '[["n01440764"], []]', r"holds \['n01440764'\]"),
        ("imagenet", '{"tench": 0, "shark": 1}', "'tench', are no class numbers"),
        ("imagenet", "0 tench\n1 shark", "have a number beside the name"),
        ("imagenet", "tench 0\nshark 1", "have a number beside the name"),
        ("imagenet", "0: tench\n1: shark", "holds '0: tench'"),
        ("imagenet", "tench\tn01440764\n", "holds 'tench.*n01440764'"),
        ("imagenet", "const classes = {\n", "holds 'const classes = {'"),
        ("imagenet", "{0: __import__('os')}", "neither JSON .* nor a literal"),
        ("imagenet", "[" * 5000, "neither JSON|nests too deeply"),
        ("text", '["a cat", "a dog"]', "has the suffix of a table"),
    ],
)
def test_other_content_is_explained(tmp_path: Path, kind: str, content: str, message: str) -> None:
    file = tmp_path / "file.json"
    file.write_text(content)
    with pytest.raises(UserError, match=message):
        read_prompts(f"{kind}:{file}")


@pytest.mark.parametrize("kind", ["coco", "imagenet", "text"])
def test_a_missing_file_is_named(kind: str) -> None:
    with pytest.raises(UserError, match="/no/such/file"):
        read_prompts(f"{kind}:/no/such/file")


def test_a_data_set_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match=r"pip install 'dato\[prompts\]'"):
        read_prompts("datasets:someone/prompts:train:text")


def test_a_data_sets_column(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(name: str, split: str) -> dict[str, list[str]]:
        assert (name, split) == ("someone/prompts", "train")
        return {"text": ["one\nline", "two"]}

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    assert read_prompts("datasets:someone/prompts:train:text") == ["one line", "two"]
    with pytest.raises(UserError, match="split and column"):
        read_prompts("datasets:someone/prompts:train:title")
    with pytest.raises(UserError, match="datasets:NAME:SPLIT:COLUMN"):
        read_prompts("datasets:someone/prompts")


def test_a_source_is_an_override_without_quotes() -> None:
    source = "coco:/data/annotations/captions_val2014.json"
    assert compose_config([f"model.prompts={source}"]).model.prompts == source


@pytest.mark.parametrize(
    "inside",
    ["\u2028", "\u2029", "\x85", "\x0c", "\x0b", "\x1c"],
    ids=lambda sign: f"{ord(sign):#x}",
)
def test_only_newlines_end_a_prompt(tmp_path: Path, inside: str) -> None:
    file = tmp_path / "prompts.txt"
    file.write_bytes(f"a red{inside}circle\r\na blue square\ra cat\n\n".encode())
    assert read_prompts(str(file)) == ["a red circle", "a blue square", "a cat"]
    assert class_names(f"great{inside}white\ntench") == ["great white", "tench"]


def test_byte_order_marks_are_no_part_of_a_prompt(tmp_path: Path) -> None:
    one, two = "\ufeffa red circle\n", "\ufeffa blue square\n"
    file = tmp_path / "prompts.txt"
    file.write_text(one + two, encoding="utf-8")  # two files of Windows, put together
    assert read_prompts(str(file)) == ["a red circle", "a blue square"]
    file.write_text("\ufeff" + json.dumps(COCO), encoding="utf-8")
    assert read_prompts(f"coco:{file}")[0] == "Four."
    file.write_text("\ufefftench\ngreat white shark", encoding="utf-8")
    assert read_prompts(f"imagenet:{file}") == TWO


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("kind", ["text", "imagenet", "coco"])
def test_other_encodings_are_named(tmp_path: Path, kind: str, encoding: str) -> None:
    file = tmp_path / "prompts.txt"
    mark = "\ufeff" if encoding.endswith("be") else ""
    file.write_text(f"{mark}a cat\na dog", encoding=encoding)
    with pytest.raises(UserError, match=f"it is {encoding[:6].upper()} text.*save it as UTF-8"):
        read_prompts(f"{kind}:{file}")
