"""What a person types as ``KEY=VALUE``: which setting it is, and texts as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from search.nearest import did_you_mean, nearest
from search.settings.base import Settings
from search.settings.config import Config
from search.settings.groups import groups, options

_REFERENCE = re.compile(r"\$\{[\w.:,/-]+\}")
_NOTHING = "null"
_OPTION = re.compile(r"(?!null$)[\w./-]*")
"""The name of one file of a group; Hydra judges everything else."""
_SIZES = ("model.height", "model.width", "model.size", "model.resolution")


@dataclass(frozen=True)
class Typed:
    """One override.

    Args:
        text: as it was typed.
        key: without the signs that Hydra puts before it; ``value``: behind the first ``=``.
    """

    text: str
    key: str
    value: str

    @classmethod
    def of(cls, text: str) -> Typed:
        key, _, value = text.partition("=")
        return cls(text, key.lstrip("+~"), value)

    @property
    def is_text(self) -> bool:
        """Whether the setting is a text, such as a path, which needs no grammar."""
        return "=" in self.text and not self.text.startswith("~") and _takes_text(self.key)

    @property
    def adds(self) -> bool:
        """Whether the key may be a new one."""
        return self.text.startswith("+")

    @property
    def plain(self) -> str | None:
        """The text that was meant: without quotes around it, and with a ``$`` that is only one."""
        value = self.value
        if value.lower() == _NOTHING:
            return None
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        return value if "${" not in _REFERENCE.sub("", value) else value.replace("${", "\\${")


def problems(overrides: Sequence[Typed]) -> Iterator[str]:
    """A sentence for each override that names no setting or cannot be text."""
    for each in overrides:
        if any("\ud800" <= character <= "\udfff" for character in each.text):
            yield f"{each.text!r} is not UTF-8. Rename the file or folder that it names."
        elif "=" not in each.text and not each.text.startswith("~"):
            yield f"{each.text!r} is no setting. Write KEY=VALUE."
        elif not each.text.startswith(("+", "~")) and not set("/@") & set(each.key):
            yield from _unknown(each)


def _unknown(each: Typed) -> Iterator[str]:
    group: type[Settings] = Config
    *_, last = places = each.key.split(".")
    if len(places) == 1:
        known = sorted({*groups(), *group.model_fields})
        if last not in known:
            yield _no_setting("", last, known, each.value)
        elif last in groups() and _OPTION.fullmatch(each.value):
            yield from _no_option(last, each.value)
        return
    above = ""
    for name in places:
        if name not in group.model_fields:
            if group.model_config.get("extra") != "allow":
                known = sorted(group.model_fields)
                yield _no_setting(above, name, known, each.value if name == last else "")
            return
        inner = _group(group, name)
        if inner is None:
            return
        group, above = inner, f"{above}{name}."


def _no_option(group: str, name: str) -> Iterator[str]:
    names = options(group)
    if name not in names:
        hint = did_you_mean(name, names)
        yield f"{group}={name} is unknown. {hint}Choose one of {', '.join(names)}."


def _no_setting(above: str, name: str, known: Sequence[str], value: str) -> str:
    """What there is in the place of a setting that there is not; the groups above it are right."""
    fault = f"{above}{name}: there is no such setting"
    if above + name in _SIZES:
        return f"{fault}, for images have the model's own size. Leave it out."
    close, tail = nearest(name, known), f"={value}" if value else ""
    choices = ", ".join(above + field for field in known)
    hint = f"Did you mean {above + close[0] + tail!r}?" if close else f"Choose one of {choices}."
    return f"{fault}. {hint}"


def _takes_text(key: str) -> bool:
    group: type[Settings] = Config
    *above, last = key.split(".")
    for name in above:
        inner = _group(group, name)
        if inner is None:
            return False
        group = inner
    if last not in group.model_fields:
        return group.model_config.get("extra") == "allow"
    return _plain_type(group.model_fields[last].annotation) is str


def _group(group: type[Settings], name: str) -> type[Settings] | None:
    """The settings below one of ``group``'s; ``None`` where it is a value."""
    field = group.model_fields.get(name)
    inner = None if field is None else _plain_type(field.annotation)
    return inner if isinstance(inner, type) and issubclass(inner, Settings) else None


def _plain_type(annotation: Any) -> Any:
    """A type without its constraints and without ``None``."""
    if get_origin(annotation) is Annotated:
        return _plain_type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        rest = [each for each in get_args(annotation) if each is not type(None)]
        return _plain_type(rest[0]) if len(rest) == 1 else annotation
    return annotation


def nested(key: str, value: Any) -> Mapping[str, Any]:
    """``{"a": {"b": value}}`` for the key ``"a.b"``."""
    for name in reversed(key.split(".")):
        value = {name: value}
    return value  # type: ignore[no-any-return]
