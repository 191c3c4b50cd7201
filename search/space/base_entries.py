"""Parses ``base``: the samplers and numbers of steps that a space's schedules may run on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dato.preset.fields import Setting
from search.records.base_sampler import OWN, Base, label_of
from search.records.timesteps import OWN_TIMESTEPS, SOURCES, Timesteps
from search.space.domains import is_finite
from search.space.entry import listed_values
from search.space.problems import Problems, join
from search.wording import shown

REMEDY = 'Write "own" or {scheduler: DPMSolverMultistepScheduler, steps: 20}'
OTHERWISE = (
    "Leave it out of space.base.values, or search space=bases_flow on a model of flow matching."
)
"""What to do about a base that the model cannot run."""
KEYS = ("scheduler", "steps", "timesteps")
"""Of a base; all others are settings of its scheduler."""

MOST_STEPS = 1000
LONGEST = 200
"""Characters of a setting that is a text."""


def parse_bases(config: Mapping[str, object], problems: Problems) -> tuple[Base | None, ...]:
    """The bases of a space, in its order; none where it does not say ``base``."""
    if "base" not in config:
        return ()
    raw = config["base"]
    values: Sequence[object] = [raw]
    path = "base"
    if isinstance(raw, Mapping) and "kind" in raw:
        values, path = _listed(raw, problems), "base.values"
    bases: list[Base | None] = []
    for value in values:
        before = len(problems.sentences)
        base = _parse(value, path, problems)
        if len(problems.sentences) > before:
            continue
        if label_of(base) in map(label_of, bases):
            problems.add(path, f"{shown(value)} is listed twice", "Remove one of them")
        bases.append(base)
    return tuple(bases)


def _listed(raw: Mapping[str, object], problems: Problems) -> Sequence[object]:
    problems.keys("base", raw, ("kind", "values"))
    if raw["kind"] != "choice":
        problems.unknown("base.kind", raw["kind"], ("choice",), "kind of parameter here")
    return listed_values(raw, "base", problems)


def _parse(raw: object, path: str, problems: Problems) -> Base | None:
    if raw == OWN:
        return None
    if not isinstance(raw, Mapping):
        problems.add(path, f"{shown(raw)} is no scheduler with its steps", REMEDY)
        return None
    scheduler, steps = raw.get("scheduler"), raw.get("steps")
    sound = isinstance(scheduler, str) and scheduler.isidentifier()
    if not sound or not str(scheduler).endswith("Scheduler"):
        fault = f"{shown(scheduler)} is no class name of a diffusers scheduler"
        fault = fault if "scheduler" in raw else "the base has no scheduler"
        problems.add(join(path, "scheduler"), fault, REMEDY)
    if not isinstance(steps, int) or isinstance(steps, bool) or not 1 <= steps <= MOST_STEPS:
        fault = f"{shown(steps)} is no number of steps from 1 to {MOST_STEPS}"
        fault = fault if "steps" in raw else "the base has no steps"
        problems.add(join(path, "steps"), fault, REMEDY)
        steps = 1
    settings = {name: value for name, value in raw.items() if name not in KEYS}
    timesteps = _timesteps(raw.get("timesteps", OWN), path, problems)
    return Base(str(scheduler), steps, _settings(settings, path, problems), timesteps)


def _timesteps(raw: object, path: str, problems: Problems) -> Timesteps:
    """Whose timesteps a base has; which those are shows when the model is loaded."""
    for source in SOURCES:
        if raw == source:
            return Timesteps(source)
    known = ", ".join(SOURCES)
    problems.add(join(path, "timesteps"), f"{shown(raw)} is none of {known}", "Write one of them")
    return OWN_TIMESTEPS


def _settings(
    raw: Mapping[str, object], path: str, problems: Problems
) -> tuple[tuple[str, Setting], ...]:
    """Settings by name; whether the scheduler has them shows when the model is loaded."""
    settings: list[tuple[str, Setting]] = []
    for name, value in raw.items():
        plain = isinstance(value, bool | int | float | str)
        if isinstance(value, float | int) and not is_finite(value):
            plain = False
        if not str(name).isidentifier() or not str(name).isascii() or str(name).startswith("_"):
            fault = f"{shown(name)} cannot name a setting"
            problems.add(path, fault, "Write it as the scheduler's Python argument")
        elif not plain or (isinstance(value, str) and len(value) > LONGEST):
            fault = f"{shown(value)} cannot be a setting"
            remedy = f"Write true, false, a number or a text of at most {LONGEST} characters"
            problems.add(join(path, str(name)), fault, remedy)
        elif isinstance(value, bool | int | float | str):
            settings.append((str(name), value))
    return tuple(sorted(settings))
