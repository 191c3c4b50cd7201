"""Parses one entry of a space: a constant, or ``{kind: int|float|choice, ...}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.nearest import did_you_mean
from search.space.domains import Choice, Domain, Value
from search.space.problems import Problems, join
from search.space.range_entry import parse_range
from search.space.slots import Per, Slot
from search.wording import listed, shown

RANGE_FIELDS = ("kind", "low", "high", "step", "log", "per")
FIELDS = {
    "int": RANGE_FIELDS,
    "float": RANGE_FIELDS,
    "choice": ("kind", "values", "per"),
}


@dataclass(frozen=True)
class Entry:
    """A domain, and what it is repeated for (``None``: one value for all)."""

    domain: Domain
    per: Per | None = None


def parse_entry(raw: object, path: str, slot: Slot, problems: Problems) -> Entry | None:
    """The entry at ``path``, or ``None`` after its mistakes were added to ``problems``."""
    if not isinstance(raw, Mapping):
        fault = slot.fault(raw)
        if fault is None and isinstance(raw, int | float | str):
            return Entry(Choice((raw,)))
        hint = did_you_mean(raw, slot.words) if isinstance(raw, str) else ""
        problems.add(path, str(fault), f"{hint}Write {slot.wanted}, or {{kind: ...}}")
        return None
    before = len(problems.sentences)
    kind = raw.get("kind")
    if not isinstance(kind, str) or kind not in FIELDS:
        problems.unknown(join(path, "kind"), kind, FIELDS, "kind of parameter")
        return None
    problems.keys(path, raw, FIELDS[kind])
    per = _parse_per(raw, path, slot, problems)
    domain = _choice(raw, path, problems) if kind == "choice" else parse_range(raw, path, problems)
    if domain is None or len(problems.sentences) > before:
        return None
    for value in domain.ends:
        fault = slot.fault(value)
        if fault is not None:
            problems.add(path, fault, f"Let every value be {slot.wanted}")
    return Entry(domain, per) if len(problems.sentences) == before else None


def _parse_per(raw: Mapping[str, object], path: str, slot: Slot, problems: Problems) -> Per | None:
    if "per" not in raw:
        return None
    for per in slot.per:
        if raw["per"] == per:
            return per
    fault = f"this parameter cannot be repeated per {raw['per']}"
    remedy = f"Choose {listed(slot.per)}" if slot.per else "Remove per"
    problems.add(join(path, "per"), fault, remedy)
    return None


def _choice(raw: Mapping[str, object], path: str, problems: Problems) -> Choice | None:
    values, here = listed_values(raw, path, problems), join(path, "values")
    plain: list[Value] = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            problems.add(here, f"{shown(value)} is neither a number nor a word", "Remove it")
        elif value in plain:
            problems.add(here, f"{shown(value)} is listed twice", "Remove one of them")
        else:
            plain.append(value)
    return Choice(tuple(plain)) if values else None


def listed_values(raw: Mapping[str, object], path: str, problems: Problems) -> Sequence[object]:
    """The values of the choice at ``path``; none after their mistake was added."""
    values, here = raw.get("values"), join(path, "values")
    if isinstance(values, Sequence) and not isinstance(values, str) and values:
        return values
    if "values" not in raw:
        fault = "the choice has no values"
    else:
        fault = f"{shown(values)} is no list of values" if values != [] else "the list is empty"
    problems.add(here, fault, "Write values: [...] with at least one")
    return ()
