"""The versions of the preset format: what each of them defines, and what older ones meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dato.errors import (
    NewerVersionError,
    NotJsonError,
    TypeRuleError,
    UnknownKeyError,
    WrongFormatError,
)
from dato.preset.parse import cut, shorten

FORMAT = "dato-preset"
OLDEST_WRITTEN = 2
VERSION = 4

SINCE: Mapping[str, int] = {
    "weights": 2,
    "quantity": 2,
    "kinds.*.forecast": 2,
    "sampler.settings": 3,
    "sampler.other_settings": 4,
    "sampler.guidance_range": 4,
    "sampler.timesteps": 4,
    "slope": 4,
    "tuned": 4,
    "measured.fid_to": 4,
    "measured.features": 4,
    "measured.prompts": 4,
    "measured.prompt_count": 4,
}
"""Keys that not every version defines, with the first version that does."""


def needed(data: Mapping[str, object]) -> int:
    """The lowest version that defines every key of a preset, so that older readers take it too."""
    return max((since for since, _ in _newer_keys(data)), default=1)


def to_current(data: object) -> dict[str, object]:
    """The plain data of a file of any version, as a version from 2 on would write it.

    Raises:
        PresetError: the file is no preset, its version is newer, or it has a key that its version
            lacks.
    """
    if not isinstance(data, dict):
        raise NotJsonError(
            f"The file holds {shorten(data)}, and no JSON object.", remedy="Start it with {."
        )
    if data.get("format") != FORMAT:
        raise WrongFormatError(
            f'The file is no preset: its "format" is {shorten(data.get("format"))}, not "{FORMAT}".'
            if "format" in data
            else 'The file is no preset: it has no "format".',
            remedy="Is this the file you meant?",
        )
    version = data.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise TypeRuleError(
            f"The version {shorten(version)} is no integer from 1 on.", remedy=f"Use {VERSION}."
        )
    if version > VERSION:
        raise NewerVersionError(
            f"The preset has version {version}, but this dato reads versions up to {VERSION}.",
            remedy="Upgrade dato, or export the preset again with this version.",
        )
    for since, place in _newer_keys(data):
        if since > version:
            raise UnknownKeyError(
                f"Version {version} of the format does not define the key {place!r}.",
                remedy=f'Write "version": {since}.',
            )
    # Version 1 holds what the denoiser returns, and forecasts nothing.
    return {**data, "version": 2, "quantity": "output"} if version == 1 else data


def schema_rules() -> dict[str, object]:
    """What the published schema says of the versions that are still written: the keys that a file
    of each of them cannot have."""
    return {"allOf": [_without_newer(version) for version in range(OLDEST_WRITTEN, VERSION)]}


def _without_newer(version: int) -> dict[str, object]:
    refused: dict[str, dict[str, bool]] = {}
    for key, since in SINCE.items():
        if since > version:
            outer, _, inner = key.partition(".")
            refused.setdefault(outer, {})[inner] = False
    properties = {
        outer: {"properties": inner} if any(inner) else False for outer, inner in refused.items()
    }
    return {
        "if": {"properties": {"version": {"const": version}}},
        "then": {"properties": properties},
    }


def _newer_keys(data: Mapping[str, object]) -> Iterator[tuple[int, str]]:
    """The keys of :data:`SINCE` that a preset has: their first version, and their place."""
    for key, since in SINCE.items():
        for place in _places(data, key.split(".")):
            yield since, ".".join(place)


def _places(value: object, path: list[str]) -> Iterator[list[str]]:
    """Where a path ends in nested objects; ``*`` is any key."""
    if not path:
        yield []
    elif isinstance(value, Mapping):
        for name in value if path[0] == "*" else [path[0]]:
            if name in value:
                for rest in _places(value[name], path[1:]):
                    yield [cut(name), *rest]
