"""Parses the range of a parameter: ``{kind: int|float, low, high, step, log}``."""

from __future__ import annotations

from collections.abc import Mapping

from search.space.domains import MOST, Domain, FloatRange, IntRange, is_finite
from search.space.problems import Problems, join
from search.wording import shown


def parse_range(raw: Mapping[str, object], path: str, problems: Problems) -> Domain | None:
    """The range at ``path``, or ``None`` where it has no ends; its mistakes go to ``problems``."""
    integer = raw["kind"] == "int"
    numbers: dict[str, float] = {}
    for name in ("low", "high", "step"):
        if name not in raw and name != "step":
            problems.add(join(path, name), f"the range has no {name}", f"Add {name}")
        elif name in raw and _is_number(raw[name], integer):
            numbers[name] = raw[name]  # type: ignore[assignment]
        elif name in raw:
            wanted = "an integer" if integer else "a finite number"
            remedy = f"Write {wanted}, without quotes"
            problems.add(join(path, name), f"{shown(raw[name])} is not {wanted}", remedy)
    log = raw.get("log", False)
    if not isinstance(log, bool):
        fault = f"{shown(log)} is neither true nor false"
        problems.add(join(path, "log"), fault, "Write true or false")
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
        problems.add(path, f"low={shown(low)} is above high={shown(high)}", "Swap them")
    if log and low <= 0:
        fault = f"{shown(low)} is too small for a log range"
        problems.add(join(path, "low"), fault, "Write a number above 0, or remove log")
    if step is not None and step <= 0:
        fault = f"{shown(step)} is too small for a step"
        problems.add(join(path, "step"), fault, "Write a number above 0, or remove it")
    elif step is not None and log:
        fault = f"the log range has the step {shown(step)}"
        problems.add(join(path, "step"), fault, "Remove log or step")


def _check_steps(path: str, low: float, high: float, step: float, problems: Problems) -> None:
    steps = (high - low) / step
    if steps >= MOST:
        fault = f"from {shown(low)} to {shown(high)} by {shown(step)} are more than {MOST:,} values"
        problems.add(path, fault, "Lower high, or raise step")
    elif abs(steps - round(steps)) > 1e-6:
        fault = f"steps of {shown(step)} from low={shown(low)} miss high={shown(high)}"
        problems.add(path, fault, "Change high or step")
