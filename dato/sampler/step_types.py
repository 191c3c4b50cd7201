"""What a scheduler's step returns, for the types that it is given: of latents, and around them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch

from dato.sampler.twin import beside_its_tables

_PLAIN = (torch.float32, torch.float64)


class StepTypes:
    """Asks the scheduler, once for each pair of types.

    Args:
        scheduler: a copy that nobody else uses, after ``set_timesteps``, on the CPU.
    """

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler
        self._known = {(each, each): each for each in _PLAIN}

    def of(self, output: torch.dtype, latents: torch.dtype) -> torch.dtype:
        """The type of the next latents."""
        pair = output, latents
        if pair not in self._known:
            self._known[pair] = self._asked(*pair)
        return self._known[pair]

    @property
    def form(self) -> Callable[[Any], Any]:
        """Makes what ``step`` returns, in the scheduler's class, from the latents."""
        return type(self._stepped(torch.float32, torch.float32))

    def _asked(self, output: torch.dtype, latents: torch.dtype) -> torch.dtype:
        dtype: torch.dtype = self._stepped(output, latents).prev_sample.dtype
        return dtype

    def _stepped(self, output: torch.dtype, latents: torch.dtype) -> Any:
        scheduler = copy.deepcopy(self._scheduler)
        one = torch.ones(1, 1, 1, 1, dtype=torch.float32, device="cpu")
        with torch.random.fork_rng(devices=[]), torch.no_grad(), beside_its_tables():
            if hasattr(scheduler, "scale_model_input"):  # some warn if it was not called
                scheduler.scale_model_input(one, scheduler.timesteps[0])
            return scheduler.step(one.to(output), scheduler.timesteps[0], one.to(latents))
