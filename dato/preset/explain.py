"""From pydantic's list of problems to one error of ours, with the fault and the remedy."""

from __future__ import annotations

from dataclasses import fields
from difflib import get_close_matches
from itertools import islice

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dato.errors import (
    DatoError,
    DepthError,
    MissingKeyError,
    NotFiniteError,
    TooLargeError,
    TypeRuleError,
    UnknownKeyError,
    WrongLengthError,
)
from dato.preset.format import BaselineEntry, MeasuredEntry, PresetFile
from dato.preset.info import ModelInfo, Provenance, SamplerInfo
from dato.preset.parse import cut, shorten, too_deep
from dato.preset.schedule_entry import KindEntry, SlopeEntry, TokensEntry, TunedEntry

MOST_LISTED = 5
SEE_SCHEMA = "dato/presets/schema.json describes the format."
UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
LIMITED = ("kinds", "steps", "prune", "weights", "timesteps", "versions", "settings")
"""Objects and lists that a limit bounds; every other list has a length of its own."""

KEYS: dict[str, tuple[str, ...]] = {
    "": tuple(PresetFile.model_fields),
    "model": tuple(field.name for field in fields(ModelInfo)),
    "sampler": tuple(field.name for field in fields(SamplerInfo)),
    "tokens": tuple(TokensEntry.model_fields),
    "kinds": tuple(KindEntry.model_fields),
    "slope": tuple(SlopeEntry.model_fields),
    "tuned": tuple(TunedEntry.model_fields),
    "measured": tuple(MeasuredEntry.model_fields),
    "measured.baseline": tuple(BaselineEntry.model_fields),
    "provenance": tuple(field.name for field in fields(Provenance)),
}
"""The keys of each object in a file, by its place; ``"kinds"`` stands for each kind."""


def closest(name: str, known: list[str]) -> str:
    """A remedy that lists the known names, the closest to ``name`` first."""
    close = get_close_matches(name[:100], known, n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return f"{hint}Known: {', '.join(sorted(known)) or 'none'}."


def explain(error: ValidationError) -> DatoError:
    """The first problem as an error of its own class; the others are named in its remedy."""
    problems = error.errors(include_url=False)
    # An unknown key is often a required one misspelt: its remedy says more than "missing".
    first, *others = sorted(problems, key=lambda item: item["type"] not in UNKNOWN)
    problem = _explain_one(first)
    also = {
        f"{_place(item)}: {item['msg']}": None
        for item in islice((item for item in others if not _twin(item, first)), MOST_LISTED + 1)
    }
    if not also:
        return problem
    listed = [*also][:MOST_LISTED] + ["..."] * (len(also) > MOST_LISTED)
    remedy = f"{problem.remedy} Also wrong: {'; '.join(listed)}."
    return type(problem)(problem.fault, remedy=remedy)


def _twin(item: ErrorDetails, first: ErrorDetails) -> bool:
    """Whether both say the same.

    A wrong depth fails as a word and as an integer, a setting as each type; a list fails with its
    item.
    """
    same = item["loc"][:3] == first["loc"][:3] and _is_union(item["loc"])
    return same or first["loc"][: len(item["loc"])] == item["loc"]


def _explain_one(item: ErrorDetails) -> DatoError:
    place, kind, value, location = _place(item), item["type"], shorten(item["input"]), item["loc"]
    if kind == "json_invalid":
        return too_deep()
    if kind in UNKNOWN:
        return UnknownKeyError(
            f"The format does not define the key {place!r}.",
            remedy=closest(str(location[-1]), _keys(location[:-1])),
        )
    if kind == "missing" and isinstance(location[-1], str):
        return MissingKeyError(f"The key {place!r} is missing.", remedy="Add it.")
    if kind == "finite_number":
        return NotFiniteError(f"{place} is {value}, which is not finite.", remedy=SEE_SCHEMA)
    if kind in ("missing", "too_long", "too_short"):
        length = TooLargeError if location[-1] in LIMITED else WrongLengthError
        amount = "many" if kind == "too_long" else "few"
        return length(f"{place} has too {amount} items: it is {value}.", remedy=SEE_SCHEMA)
    if location[0] == "kinds" and location[2:3] == ("depth",):
        return DepthError(
            f'{place} is {value}, neither "full" nor an integer.',
            remedy="Use the number of skip branches, or 0 to recompute nothing.",
        )
    if location[:2] == ("sampler", "settings") and location[2:] and location[-1] != "[key]":
        remedy = "Write true, false, a number or a text of at most 200 characters."
        return TypeRuleError(f"{place} is {value}, which is no plain value.", remedy=remedy)
    wrong = f"The key {place} is misspelt" if location[-1] == "[key]" else f"{place} is {value}"
    return TypeRuleError(f"{wrong}: it {_wish(item)}.", remedy=SEE_SCHEMA)


def _wish(item: ErrorDetails) -> str:
    """What pydantic says that a value should be, without what it calls the value."""
    return item["msg"].removeprefix("Input ").removeprefix("String ")


def _place(item: ErrorDetails) -> str:
    """Dotted path, without what pydantic adds for a wrong key, depth or missing item."""
    parts = item["loc"]
    if _is_union(parts) and parts[-1] != "[key]":
        parts = parts[:3]
    elif parts[-1:] == ("[key]",) or (item["type"] == "missing" and isinstance(parts[-1], int)):
        parts = parts[:-1]
    return ".".join(cut(str(part)) for part in parts)


def _is_union(location: tuple[int | str, ...]) -> bool:
    """Whether a place holds values of several types, each of which pydantic names after it."""
    return location[2:3] == ("depth",) or location[:2] == ("sampler", "settings")


def _keys(location: tuple[int | str, ...]) -> list[str]:
    """Keys that the object at ``location`` may have."""
    place = "kinds" if location[:1] == ("kinds",) else ".".join(map(str, location))
    return list(KEYS[place])
