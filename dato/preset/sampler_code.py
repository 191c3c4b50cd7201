"""The line of Python that gives a pipeline the sampler of a preset. Imports no torch."""

from __future__ import annotations

from dato.preset.fields import Setting
from dato.preset.info import SamplerInfo

DIGEST = "sha256:"
"""Begins what a preset says of a table: that it is equal, and not what is in it."""

NOT_JSON = {"None": "None", "inf": 'float("inf")', "-inf": 'float("-inf")', "nan": 'float("nan")'}
"""Python for values that a preset writes as texts, because JSON has no such numbers."""


def sampler_line(sampler: SamplerInfo) -> str:
    """Sets the scheduler with all of its settings, or those that the preset names and the
    pipeline's own besides."""
    given = [f"{name}={_code(name, value)}" for name, value in sampler.settings.items()]
    if sampler.other_settings == "default":
        return f"pipe.scheduler = {sampler.scheduler}({', '.join(given)})"
    arguments = ", ".join(["pipe.scheduler.config", *given])
    return f"pipe.scheduler = {sampler.scheduler}.from_config({arguments})"


def _code(name: str, value: Setting) -> str:
    """A setting as Python."""
    if not isinstance(value, str):
        return repr(value)
    if value.startswith(DIGEST):
        return f"pipe.scheduler.config.{name}"
    return NOT_JSON.get(value, repr(value))
