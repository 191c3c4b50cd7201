"""From pydantic's list of problems to one error of the tree, with its rule, value and remedy."""

from __future__ import annotations

from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dato.errors import (
    DatoError,
    DepthError,
    MissingKeyError,
    NotFiniteError,
    PresetError,
    TokensError,
    TooLargeError,
    TypeRuleError,
    UnknownKeyError,
    WrongLengthError,
)
from dato.preset.format import OBJECTS
from dato.preset.parse import shorten

MOST_LISTED = 5
SEE_SCHEMA = "dato/presets/schema.json describes the format."


def closest(name: str, known: list[str]) -> str:
    """A remedy that lists the known names, the closest to ``name`` first."""
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return f"{hint}Known: {', '.join(sorted(known)) or 'none'}."


def explain(error: ValidationError) -> DatoError:
    """The first problem as an error of its own class; the others are named in its remedy."""
    problems = error.errors(include_url=False)
    # An unknown key is often a required one misspelt: its remedy says more than "missing".
    first, *others = sorted(problems, key=lambda item: item["type"] != "extra_forbidden")
    problem = _explain_one(first)
    also = dict.fromkeys(
        f"{_place(item)}: {item['msg']}" for item in others if not _twin(item, first)
    )
    if not also:
        return problem
    listed = [*also][:MOST_LISTED] + ["..."] * (len(also) > MOST_LISTED)
    remedy = f"{problem.remedy} Also wrong: {'; '.join(listed)}."
    return type(problem)(problem.rule, found=problem.found, remedy=remedy)


def _twin(item: ErrorDetails, first: ErrorDetails) -> bool:
    """Whether both say the same: a wrong depth fails as a word and as an integer."""
    return item["loc"][:3] == first["loc"][:3] and item["loc"][2:3] == ("depth",)


def _explain_one(item: ErrorDetails) -> DatoError:
    place, kind, value = _place(item), item["type"], shorten(item["input"])
    location = item["loc"]
    if kind == "extra_forbidden":
        return UnknownKeyError(
            f"The format defines every key; it does not define {place!r}.",
            found=location[-1],
            remedy=closest(str(location[-1]), _keys(location[:-1])),
        )
    if kind == "missing":
        return MissingKeyError(f"The key {place!r} is required.", remedy="Add it.")
    if kind == "finite_number":
        return NotFiniteError(f"{place} is a finite number.", found=value, remedy=SEE_SCHEMA)
    if kind in ("too_long", "too_short"):
        few = place in ("model.latent_size", "tokens.patch")
        length: type[PresetError] = WrongLengthError if few else TooLargeError
        return length(f"{place}: {item['msg']}.", found=value, remedy=SEE_SCHEMA)
    if location[0] == "kinds" and len(location) > 2 and location[2] == "depth":
        return DepthError(
            'A depth is "full" or an integer from 0 on.', found=value, remedy="Use 0 to reuse."
        )
    if place == "tokens.share":
        return TokensError('share is "level" or "layer".', found=value, remedy='Use "level".')
    message = "Input should be an object" if kind == "model_type" else item["msg"]
    return TypeRuleError(f"{place}: {message}.", found=value, remedy=SEE_SCHEMA)


def _place(item: ErrorDetails) -> str:
    """Dotted path; pydantic's marker ``[key]`` for a wrong dictionary key stays readable."""
    return ".".join(str(shorten(str(part))) for part in item["loc"])


def _keys(location: tuple[int | str, ...]) -> list[str]:
    """Keys that the object at ``location`` may have."""
    place = "kinds" if location[:1] == ("kinds",) else ".".join(map(str, location))
    return list(OBJECTS[place].model_fields)
