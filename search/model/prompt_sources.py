"""Where prompts come from: text files, COCO captions, ImageNet class names, data set columns.

A source is written ``KIND:WHERE``; a path alone is a text file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from search.errors import UserError
from search.model.class_names import LAYOUTS, class_names
from search.records.reading import LARGE, lines_of, read_text

EMBEDDED = "pocket"
"""Captions of the embedded models' grammar, which no file holds."""

MAX_CHARACTERS = 10_000
"""The most characters of one prompt; text encoders read a few hundred."""

TEMPLATE = "a photo of a {}."
"""The template of CLIP's zero-shot classification, arXiv 2103.00020, section 3.1.4."""

CLASSES = 5_000_000
"""The most bytes of a file of class names, far more than any list of classes has."""

TABLES = (".csv", ".tsv", ".json", ".jsonl", ".parquet")
"""Suffixes of files whose lines are not prompts."""

_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""The byte-order mark, which also begins a later line where files were put together."""


def read_prompts(source: str) -> list[str]:
    """Prompts in the order of their source, with repeated ones.

    Args:
        source: ``text:FILE`` or ``FILE``: one prompt a line. ``coco:FILE``: the first caption of
            each image in the official captions JSON. ``imagenet:FILE``: class names, put into
            :data:`TEMPLATE`, in one of :data:`search.model.class_names.LAYOUTS`.
            ``datasets:NAME:SPLIT:COLUMN``: a column of a Hugging Face data set.

    Raises:
        UserError: the source cannot be read.
    """
    kind, colon, where = source.partition(":")
    prompts = _READERS[kind](where) if colon and kind in _READERS else _lines(source)
    for prompt in prompts:
        if len(prompt) > MAX_CHARACTERS or _CONTROL.search(prompt):
            raise UserError(
                f"model.prompts={source!r} holds a prompt that is too long or has control "
                f"characters: {prompt[:40]!r}. A prompt is one line of at most {MAX_CHARACTERS:,} "
                "characters. Correct it."
            )
    return prompts


def check_source(source: str) -> None:
    """Read the prompts of a file, as a study will. Those of a data set are not downloaded for it.

    Raises:
        UserError: see :func:`read_prompts`, or it holds fewer than two different prompts.
    """
    if source == EMBEDDED or source.startswith("datasets:"):
        return
    require_two(source, read_prompts(source))


def require_two(source: str, prompts: Sequence[str]) -> None:
    """Raise UserError unless some prompts can be searched with and others be held out."""
    count = len(set(prompts))
    if count < 2:
        raise UserError(
            f"model.prompts={source!r} holds {count} different prompts. Give at least two, because "
            "some are held out from the search."
        )


def _lines(where: str) -> list[str]:
    text = _text(where, "Give a UTF-8 text file with one prompt a line.")
    if where.lower().endswith(TABLES):
        raise UserError(
            f"model.prompts={where!r} has the suffix of a table, whose lines are no prompts. Write "
            "its prompts into a text file, one a line; coco:FILE reads captions of COCO, "
            "imagenet:FILE class names."
        )
    lines = (" ".join(line.lstrip(_MARK).split()) for line in lines_of(text))
    return [line for line in lines if line]


def _coco(where: str) -> list[str]:
    remedy = "Give the official annotations, such as coco:annotations/captions_val2014.json."
    captions: dict[int, tuple[int, str]] = {}
    try:
        for row in _json(where, remedy)["annotations"]:
            image, number, caption = row["image_id"], row["id"], " ".join(row["caption"].split())
            if caption and (image not in captions or number < captions[image][0]):
                captions[image] = number, caption
        return [captions[image][1] for image in sorted(captions)]
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"model.prompts='coco:{where}' has no annotations with image_id, id and caption. "
            + remedy
        ) from error


def _imagenet(where: str) -> list[str]:
    remedy = f"Give class names in one of these layouts: {LAYOUTS}."
    try:
        return [TEMPLATE.format(name) for name in class_names(_text(where, remedy, CLASSES))]
    except ValueError as error:
        raise UserError(
            f"Cannot read the class names of model.prompts='imagenet:{where}': {error}. {remedy}"
        ) from error


def _datasets(where: str) -> list[str]:
    name, split, column = _three(where)
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise UserError(
            "model.prompts='datasets:...' needs the package datasets, which is not installed. "
            "Install the extra: pip install 'dato[prompts]'."
        ) from error
    try:
        rows = datasets.load_dataset(name, split=split)
        return [" ".join(str(value).split()) for value in rows[column]]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"Cannot read model.prompts='datasets:{where}' ({str(error).splitlines()[0]}). "
            "Check the data set's name, split and column."
        ) from error


def _three(where: str) -> tuple[str, str, str]:
    parts = where.rsplit(":", 2)
    if len(parts) != 3 or not all(parts):
        raise UserError(
            f"model.prompts='datasets:{where}' names no column of a data set. Write "
            "datasets:NAME:SPLIT:COLUMN, such as datasets:nateraw/parti-prompts:train:Prompt."
        )
    return parts[0], parts[1], parts[2]


def _text(where: str, remedy: str, limit: int = LARGE) -> str:
    try:
        path = Path(where).expanduser()
    except RuntimeError as error:
        raise UserError(f"model.prompts: {where!r} names no home folder. {remedy}") from error
    return read_text(path, f"model.prompts: {remedy}", limit)


def _json(where: str, remedy: str) -> Any:
    try:
        return json.loads(_text(where, remedy))
    except (ValueError, RecursionError) as error:
        raise UserError(f"model.prompts: {where!r} is not JSON ({error}). {remedy}") from error


_READERS: Mapping[str, Callable[[str], list[str]]] = {
    "text": _lines,
    "coco": _coco,
    "imagenet": _imagenet,
    "datasets": _datasets,
}
