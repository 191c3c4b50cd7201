"""Parses one entry of a space: a constant, or ``{kind: int|float|choice, ...}``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from search.space.domains import MOST, Choice, Domain, FloatRange, IntRange, Value, is_finite
from search.space.problems import Problems, join

Per = Literal["layer", "level", "call"]
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


@dataclass(frozen=True)
class Slot:
    """What a place in the language accepts: numbers from ``low`` to ``high``, or ``words``."""

    rule: str
    low: float = math.inf
    high: float = -math.inf
    integer: bool = False
    words: tuple[str, ...] = ()
    per: tuple[Per, ...] = ()

    def accepts(self, value: object) -> bool:
        if isinstance(value, str):
            return value in self.words
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if self.integer and not isinstance(value, int):
            return False
        return is_finite(value) and self.low <= value <= self.high


def parse_entry(raw: object, path: str, slot: Slot, problems: Problems) -> Entry | None:
    """The entry at ``path``, or ``None`` after its mistakes were added to ``problems``."""
    if not isinstance(raw, Mapping):
        if slot.accepts(raw) and isinstance(raw, int | float | str):
            return Entry(Choice((raw,)))
        problems.add(path, slot.rule, "Give such a value or {kind: ...}.", raw)
        return None
    before = len(problems.found)
    kind = raw.get("kind")
    if not isinstance(kind, str) or kind not in FIELDS:
        problems.unknown(join(path, "kind"), kind, FIELDS, "kind of parameter")
        return None
    problems.keys(path, raw, FIELDS[kind])
    per = _parse_per(raw, path, slot, problems)
    domain = _choice(raw, path, problems) if kind == "choice" else _range(raw, path, problems)
    if domain is None or len(problems.found) > before:
        return None
    for value in domain.ends:
        if not slot.accepts(value):
            problems.add(path, slot.rule, "Change the parameter's values.", value)
    return Entry(domain, per) if len(problems.found) == before else None


def _parse_per(raw: Mapping[str, object], path: str, slot: Slot, problems: Problems) -> Per | None:
    if "per" not in raw:
        return None
    for per in slot.per:
        if raw["per"] == per:
            return per
    if slot.per:
        problems.unknown(join(path, "per"), raw["per"], slot.per, "repetition here")
    else:
        problems.add(join(path, "per"), "Nothing is repeated here.", "Remove per.", raw["per"])
    return None


def _choice(raw: Mapping[str, object], path: str, problems: Problems) -> Choice | None:
    values = raw.get("values")
    here = join(path, "values")
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        problems.add(here, "A choice has a list of values.", "Write values: [...].", values)
        return None
    plain: list[Value] = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            problems.add(here, "A value is a number or a word.", "Remove it.", value)
        elif value in plain:
            problems.add(here, "The values of a choice differ.", "Remove the second.", value)
        else:
            plain.append(value)
    return Choice(tuple(plain))


def _range(raw: Mapping[str, object], path: str, problems: Problems) -> Domain | None:
    integer = raw["kind"] == "int"
    numbers: dict[str, float] = {}
    for name in ("low", "high", "step"):
        if name not in raw and name != "step":
            problems.add(join(path, name), "A range has low and high.", f"Add {name}.")
        elif name in raw and _is_number(raw[name], integer):
            numbers[name] = raw[name]  # type: ignore[assignment]
        elif name in raw:
            what = "an integer" if integer else "a finite number"
            problems.add(join(path, name), f"It is {what}.", "Write it without quotes.", raw[name])
    log = raw.get("log", False)
    if not isinstance(log, bool):
        problems.add(join(path, "log"), "log is true or false.", "Write true or false.", log)
        log = False
    if not {"low", "high"} <= numbers.keys():
        return None
    low, high, step = numbers["low"], numbers["high"], numbers.get("step")
    _check_range(path, low, high, step, log, problems)
    every = 1 if integer and step is None else step
    if every is not None and every > 0 and low <= high:
        _check_steps(path, low, high, every, problems)
    if integer:
        return IntRange(int(low), int(high), int(1 if step is None else step), log)
    return FloatRange(float(low), float(high), step, log)


def _is_number(value: object, integer: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return is_finite(value) and (not integer or isinstance(value, int))


def _check_range(
    path: str, low: float, high: float, step: float | None, log: bool, problems: Problems
) -> None:
    if low > high:
        problems.add(path, "low is not above high.", "Swap them.", [low, high])
    if log and low <= 0:
        problems.add(join(path, "low"), "A log range starts above 0.", "Raise low.", low)
    if step is not None and step <= 0:
        problems.add(join(path, "step"), "A step is above 0.", "Raise or remove it.", step)
    elif step is not None and log:
        problems.add(join(path, "step"), "A log range has no step.", "Remove log or step.", step)


def _check_steps(path: str, low: float, high: float, step: float, problems: Problems) -> None:
    steps = (high - low) / step
    if steps >= MOST:
        rule = f"A range that is not continuous has at most {MOST:,} values."
        problems.add(path, rule, "Lower high, or raise step.", [low, high, step])
    elif abs(steps - round(steps)) > 1e-6:
        rule = "high is low plus a whole number of steps."
        problems.add(path, rule, "Change high or step.", [low, high, step])
