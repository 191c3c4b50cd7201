"""The settings of a pipeline's scheduler beside those of a preset. Imports no torch."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
from collections.abc import Mapping
from typing import Any

from dato.errors import MismatchError
from dato.preset.fields import MAX_TEXT, Setting
from dato.preset.info import SamplerInfo
from dato.preset.sampler_code import DIGEST, sampler_line


def check_scheduler(sampler: SamplerInfo, scheduler: Any) -> None:
    """Compare a pipeline's scheduler with a preset's, and each setting that the preset knows.

    Raises:
        MismatchError: it is another one, or a setting has another value; with the line that sets
            what the preset was found on.
    """
    given = type(scheduler).__name__
    remedy = f"Set it: {sampler_line(sampler)}. Or apply preset.schedule on its own."
    if sampler.scheduler != given:
        raise MismatchError(
            f"The preset is for {sampler.scheduler}, but the pipeline has {given}.",
            remedy=f"from diffusers import {sampler.scheduler}, then set it: "
            f"{sampler_line(sampler)}. Or apply preset.schedule on its own.",
        )
    wanted = dict(sampler.settings)
    if sampler.other_settings == "default":
        defaults = defaults_of(type(scheduler))
        wanted = {name: written(value) for name, value in defaults.items()} | wanted
    for name, value in wanted.items():
        has = written(scheduler.config[name]) if name in scheduler.config else None
        if has is None or not same(has, value):
            current = f"no {name}" if has is None else f"{name}={has!r}"
            raise MismatchError(
                f"The preset is for {sampler.scheduler} with {name}={value!r}, but the "
                f"pipeline's has {current}.",
                remedy=remedy,
            )


def settings_of(scheduler: Any) -> dict[str, Setting]:
    """The settings of a scheduler that are not the defaults of its class, as a preset has them,
    wherever they came from: a folder's configuration, or whoever made the scheduler."""
    defaults, settings = defaults_of(type(scheduler)), dict[str, Setting]()
    for name, default in sorted(defaults.items()):
        value = written(scheduler.config.get(name, default))
        if not same(value, written(default)):
            settings[name] = value
    return settings


def defaults_of(kind: Any) -> dict[str, Any]:
    """The settings that a scheduler class has, with their defaults."""
    parameters = inspect.signature(kind.__init__).parameters.values()
    return {
        each.name: each.default
        for each in parameters
        if each.default is not inspect.Parameter.empty
    }


def written(value: Any) -> Setting:
    """A setting as a preset writes it: as it is, or as a text that only an equal one has. JSON has
    no infinite number, and a table of betas would be longer than all the rest."""
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if value is None or isinstance(value, float):
        return str(value)
    if isinstance(value, str) and len(value) <= MAX_TEXT:
        return value
    text = json.dumps(value, default=lambda each: each.tolist())
    return DIGEST + hashlib.sha256(text.encode()).hexdigest()


def read_settings(settings: Mapping[str, Setting], original: Mapping[str, Any]) -> dict[str, Any]:
    """A preset's settings as a scheduler takes them.

    Args:
        original: the pipeline's configuration, which has the tables that a preset only knows a
            digest of.
    """
    texts: dict[Setting, Any] = {"None": None, **{t: float(t) for t in ("inf", "-inf", "nan")}}
    return {
        name: original.get(name)
        if isinstance(value, str) and value.startswith(DIGEST)
        else (texts.get(value, value) if isinstance(value, str) else value)
        for name, value in settings.items()
    }


def same(one: Setting, other: Setting) -> bool:
    """Whether two written settings are equal; ``True`` is no 1."""
    return (isinstance(one, bool), one) == (isinstance(other, bool), other)
