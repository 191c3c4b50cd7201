"""Optuna's samplers by name."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping

import optuna
from optuna.samplers import BaseSampler

from search.errors import ConfigError
from search.nearest import did_you_mean
from search.settings import SamplerSettings
from search.wording import shown

HEADLINE = "The configuration cannot be used"
SAMPLERS: Mapping[str, Callable[..., BaseSampler]] = {
    "tpe": optuna.samplers.TPESampler,
    "gp": optuna.samplers.GPSampler,
    "nsga2": optuna.samplers.NSGAIISampler,
    "random": optuna.samplers.RandomSampler,
}


def make_sampler(settings: SamplerSettings, seed: int) -> BaseSampler:
    """The sampler, seeded.

    Args:
        seed: the study's seed plus the number of trials so far. So a resumed study does not repeat
            the proposals of its first part.

    Raises:
        ConfigError: the sampler does not know an option, or refuses its value.
    """
    sampler = SAMPLERS[settings.name]
    valid = sorted(set(inspect.signature(sampler).parameters) - {"seed"})
    unknown = sorted(set(settings.options) - set(valid))
    if unknown:
        raise ConfigError(
            HEADLINE,
            [
                f"sampler.options.{name}: {settings.name} has no such option. "
                f"{did_you_mean(name, valid)}Choose among {', '.join(valid)}."
                for name in unknown
            ],
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return sampler(**settings.options, seed=seed)
    except (TypeError, ValueError) as error:
        raise ConfigError(HEADLINE, [_refused(settings, error)]) from error


def _refused(settings: SamplerSettings, error: Exception) -> str:
    given = ", ".join(f"{name}={shown(value)}" for name, value in settings.options.items())
    return f"sampler.options: {settings.name} refuses {given} ({error}). Change them."
