"""Settings of a scheduler that differ from those of the pipeline's own."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from dato.preset.fields import Setting
from dato.scheduler_settings import defaults_of, read_settings, same, settings_of, written
from search.errors import UserError
from search.model.quiet_loading import quiet_loading
from search.nearest import did_you_mean

OF_THE_MODEL = frozenset(
    {
        *("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas"),
        *("prediction_type", "rescale_betas_zero_snr", "snr_shift_scale", "variance_type"),
        *("clip_sample", "clip_sample_range", "thresholding", "sample_max_value"),
        *("dynamic_thresholding_ratio", "shift", "flow_shift", "use_flow_sigmas", "base_shift"),
        *("max_shift", "base_image_seq_len", "max_image_seq_len", "use_dynamic_shifting"),
        *("shift_terminal", "time_shift_type", "invert_sigmas"),
    }
)
"""Settings that say what a model was trained for. All others are a choice of whoever samples."""

FAILURES = (ImportError, LookupError, NotImplementedError, TypeError, ValueError)
"""What schedulers raise for a value that they do not know."""


def with_settings(cls: Any, config: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
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
            return cls.from_config(dict(config), **read_settings(settings, config))
    except FAILURES as error:
        if not settings:
            raise
        given = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        raise UserError(
            f"{cls.__name__} does not take {given} ({error}). Give other values."
        ) from error


def class_defaults(scheduler: Any) -> dict[str, Setting]:
    """The settings that give a scheduler the defaults of its class, as far as its model allows;
    empty where it has them."""
    defaults = defaults_of(type(scheduler))
    return {
        name: written(defaults[name])
        for name, value in settings_of(scheduler).items()
        if name not in OF_THE_MODEL and not same(value, written(defaults[name]))
    }
