"""A CLIP tokenizer whose vocabulary holds every word of the grammar as one token."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

from transformers import CLIPTokenizer

from search.pocket.captions import BACKGROUNDS, COLOURS, SHAPES

MAX_LENGTH = 20  # tokens; the longest caption has 14 with its two marks
WORDS = ("a", "an", "on", "left", "of", "above", "background", *BACKGROUNDS, *COLOURS, *SHAPES)
_START, _END = "<|startoftext|>", "<|endoftext|>"


def _bytes_as_characters() -> list[str]:
    """The 256 characters that stand for bytes in GPT-2's and CLIP's vocabularies."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [256 + index for index in range(256 - len(printable))]
    return [chr(code) for code in printable + others]


def _learn_merges(words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Byte pair encoding, run until each word is one token, so that replaying it gives the same."""
    pieces = [[*word[:-1], word[-1] + "</w>"] for word in words]
    merges: list[tuple[str, str]] = []
    while pairs := Counter(pair for piece in pieces for pair in pairwise(piece)):
        best = max(sorted(pairs), key=lambda pair: pairs[pair])
        merges.append(best)
        pieces = [_merge(piece, best) for piece in pieces]
    return merges


def _merge(piece: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    for part in piece:
        if merged and (merged[-1], part) == pair:
            merged[-1] += part
        else:
            merged.append(part)
    return merged


def build_tokenizer(folder: Path) -> CLIPTokenizer:
    """Write vocab.json and merges.txt into folder and load them."""
    folder.mkdir(parents=True, exist_ok=True)
    merges = _learn_merges(WORDS)
    characters = _bytes_as_characters()
    tokens = [*characters, *(c + "</w>" for c in characters), *("".join(m) for m in merges)]
    tokens = [*dict.fromkeys(tokens), _START, _END]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    lines = ["#version: 0.2", *(" ".join(merge) for merge in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    tokenizer: CLIPTokenizer = CLIPTokenizer.from_pretrained(folder, model_max_length=MAX_LENGTH)
    tokenizer.save_pretrained(folder)
    return tokenizer
