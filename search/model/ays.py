"""The timesteps of Align Your Steps (Sabour et al. 2024, arXiv 2404.14507), as diffusers has them.

They are for the noise schedule that Stable Diffusion and XL were trained with. For another number
of steps the paper interpolates log sigmas, down to the smallest of the noise schedule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from diffusers.schedulers.scheduling_utils import AysSchedules

from search.model.any_pipeline import family_of

_TRAINED = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def ays_timesteps(pipe: Any, steps: int) -> tuple[float, ...]:
    """The timesteps of a run of ``steps`` steps; none where nobody published any for the model, or
    where so many steps do not fall on as many timesteps."""
    name = family_of(pipe).ays
    if not name or not _trained_alike(pipe.scheduler.config):
        return ()
    published: Mapping[str, Any] = AysSchedules
    if len(published[f"{name}Timesteps"]) == steps:
        return tuple(map(float, published[f"{name}Timesteps"]))
    alphas = pipe.scheduler.alphas_cumprod.double().cpu().numpy()
    trained = np.log((1 - alphas) / alphas) / 2
    logs = [*np.log(published[f"{name}Sigmas"][:-1]), trained[0]]
    wanted = np.interp(np.linspace(0, 1, steps + 1)[:-1], np.linspace(0, 1, len(logs)), logs)
    places = np.interp(wanted, trained, np.arange(len(trained))).round()
    return tuple(places.tolist()) if len(set(places.tolist())) == steps else ()


def _trained_alike(config: Any) -> bool:
    alike = all(config.get(name) == value for name, value in _TRAINED.items())
    return alike and not config.get("rescale_betas_zero_snr") and not config.get("trained_betas")
