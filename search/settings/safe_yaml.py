"""Reads YAML as plain data: no tags, aliases, repeated keys, or keys that name code."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.events import AliasEvent
from yaml.nodes import MappingNode, Node, ScalarNode

from search.errors import ConfigError, UserError
from search.records.reading import read_text

MAX_BYTES = 100_000
MAX_DEPTH = 32
MAX_INTEGER = 2**63


class _Loader(yaml.SafeLoader):
    """Refuses aliases (which can unfold without end), repeated keys and deep nesting."""

    depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        if self.check_event(AliasEvent):
            raise self._refused("it has an alias, and aliases are not read. Write the value out")
        if self.depth > MAX_DEPTH:
            raise self._refused(f"values nest more than {MAX_DEPTH} deep. Write fewer levels")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _refused(self, words: str) -> ComposerError:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        return ComposerError(None, None, words, mark)

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = Counter(key.value for key, _ in node.value if isinstance(key, ScalarNode))
        for name, count in names.most_common(1):
            if count > 1:
                raise ComposerError(
                    None, None, f"the key {name!r} occurs twice. Remove one", node.start_mark
                )
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises:
        UserError: it cannot be read, is not YAML, or is no mapping.
        ConfigError: it holds what is not plain data: dates, numbers that are not finite or have
            more than 64 bits, or keys such as ``_target_`` that name code to run.
    """
    text = read_text(path, "Give a small YAML file.", MAX_BYTES)
    try:
        values = yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise UserError(f"Cannot read {str(path)!r} as YAML: {said}. Correct it there.") from error
    if not isinstance(values, dict):
        raise UserError(f"{str(path)!r} holds no keys with values. Write KEY: VALUE lines.")
    problems = list(_problems(values, ""))
    if problems:
        raise ConfigError(f"Cannot read {str(path)!r}", problems[:20])
    return values


def _problems(value: object, place: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str | int):
                yield f"{place or 'the file'}: the key {key!r} is not text. Put it in quotes."
            elif isinstance(key, str) and len(key) > 2 and key[0] == key[-1] == "_":
                yield f"{place}{key}: this key asks to run code, which no file may. Remove it."
            else:
                yield from _problems(item, f"{place}{key}.")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _problems(item, f"{place}{number}.")
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield f"{place[:-1]}={value} is not finite. Write a number."
    elif isinstance(value, int):
        if abs(value) >= MAX_INTEGER:
            yield f"{place[:-1]}: the integer has more than 64 bits. Write a smaller one."
    elif isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            yield f"{place[:-1]}: the text holds a lone surrogate, no character. Remove it."
    elif value is not None:
        yield (
            f"{place[:-1]}={value!r} is no text, number, true, false, null or list. "
            "Put it in quotes."
        )
