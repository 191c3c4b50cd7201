"""Parses ``base``: the samplers and numbers of steps that a space's schedules may run on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dato.preset.fields import Setting
from search.records.base_sampler import OWN, Base, BaseSampler, label_of
from search.space.domains import is_finite
from search.space.problems import Problems, join

REMEDY = 'Write "own" or {scheduler: DPMSolverMultistepScheduler, steps: 20}.'
MOST_STEPS = 1000
LONGEST = 200
"""Characters of a setting that is a text."""


def parse_bases(config: Mapping[str, object], problems: Problems) -> tuple[Base, ...]:
    """The bases of a space, in its order; none where it does not say ``base``."""
    if "base" not in config:
        return ()
    raw = config["base"]
    values, path = [raw], "base"
    if isinstance(raw, Mapping) and "kind" in raw:
        values, path = _listed(raw, problems), "base.values"
    found: list[Base] = []
    for value in values:
        before = len(problems.found)
        base = _parse(value, path, problems)
        if len(problems.found) > before:
            continue
        if label_of(base) in map(label_of, found):
            problems.add(path, "The bases of a space differ.", "Remove the second.", value)
        found.append(base)
    return tuple(found)


def _listed(raw: Mapping[str, object], problems: Problems) -> list[object]:
    problems.keys("base", raw, ("kind", "values"))
    if raw["kind"] != "choice":
        problems.unknown("base.kind", raw["kind"], ("choice",), "kind of parameter here")
    values = raw.get("values")
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        rule = "A choice has a list of values."
        problems.add("base.values", rule, "Write values: [...].", values)
        return []
    return [*values]


def _parse(raw: object, path: str, problems: Problems) -> Base:
    if raw == OWN:
        return None
    if not isinstance(raw, Mapping):
        problems.add(path, "A base is a scheduler with its steps.", REMEDY, raw)
        return None
    scheduler, steps = raw.get("scheduler"), raw.get("steps")
    sound = isinstance(scheduler, str) and scheduler.isidentifier()
    if not sound or not str(scheduler).endswith("Scheduler"):
        rule = "It is the class name of a diffusers scheduler."
        problems.add(join(path, "scheduler"), rule, REMEDY, scheduler)
    if not isinstance(steps, int) or isinstance(steps, bool) or not 1 <= steps <= MOST_STEPS:
        rule = f"steps is an integer from 1 to {MOST_STEPS}."
        problems.add(join(path, "steps"), rule, REMEDY, steps)
        steps = 1
    settings = {name: value for name, value in raw.items() if name not in ("scheduler", "steps")}
    return BaseSampler(str(scheduler), steps, _settings(settings, path, problems))


def _settings(
    raw: Mapping[str, object], path: str, problems: Problems
) -> tuple[tuple[str, Setting], ...]:
    """Settings by name; whether the scheduler has them shows when the model is loaded."""
    found: list[tuple[str, Setting]] = []
    for name, value in raw.items():
        plain = isinstance(value, bool | int | float | str)
        if isinstance(value, float | int) and not is_finite(value):
            plain = False
        if not str(name).isidentifier() or not str(name).isascii() or str(name).startswith("_"):
            problems.add(path, "A setting is named as in Python.", "Correct its name.", name)
        elif not plain or (isinstance(value, str) and len(value) > LONGEST):
            rule = f"A setting is true, false, a number or a text of at most {LONGEST} characters."
            problems.add(join(path, str(name)), rule, "Write such a value.", value)
        elif isinstance(value, bool | int | float | str):
            found.append((str(name), value))
    return tuple(sorted(found))
