"""Settings of a scheduler that differ from those of the pipeline's own."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from dato.preset.fields import Setting
from search.errors import UserError
from search.model.quiet_loading import quiet_loading
from search.nearest import did_you_mean

FAILURES = (ImportError, LookupError, NotImplementedError, TypeError, ValueError)
"""What schedulers raise for a value that they do not know."""


def with_settings(cls: Any, config: Mapping[str, Any], settings: Mapping[str, Setting]) -> Any:
    """A scheduler of a diffusers class, with a pipeline's configuration but for ``settings``.

    Raises:
        UserError: the class has no such setting, or refuses its value.
    """
    known = sorted(set(inspect.signature(cls.__init__).parameters) - {"self", "kwargs"})
    for name in settings:
        if name not in known:
            raise UserError(
                f"{cls.__name__} has no setting {name!r}. {did_you_mean(name, known)}"
                f"Choose among {', '.join(known)}."
            )
    try:
        with quiet_loading():
            return cls.from_config(dict(config), **settings)
    except FAILURES as error:
        if not settings:
            raise
        given = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        raise UserError(
            f"{cls.__name__} does not take {given} ({error}). Give other values."
        ) from error
