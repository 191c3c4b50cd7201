"""Computing only the conditional half at some calls: does it pay?

python -m experiments.forecast.guidance --cache /tmp/forecast

Under classifier-free guidance a call computes two halves. Here some calls compute the conditional
half alone, at half the cost, and put the other one at a distance forecast linearly from the calls
that computed both. Prints the FID to the unpatched images and PSNR beside the cost in full calls.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dato.runtime.forecast import linear_weights
from experiments.forecast.world import World
from search.calibration.placement import placements
from search.model.images import Images
from search.pocket import load_features
from search.quality.frechet import frechet_between
from search.quality.image_pairs import psnr

WHOLE = (4, 5, 6, 8)
"""Planned full calls that compute both halves."""
HALVED = ((6, 2), (8, 2), (8, 3), (10, 2), (10, 3))
"""Planned computed calls, and which of them compute both halves: every so many."""

History = list[tuple[int, Tensor]]
"""Calls and what they computed, the newest first."""


class Halves:
    """A forward of pocket's UNet that computes both halves, one or none.

    Args:
        both: calls that compute both; ``conditional``: those that compute one. Others forecast.
    """

    def __init__(self, pipe: Any, both: Sequence[int], conditional: Sequence[int]) -> None:
        self.pipe, self.both, self.conditional = pipe, both, conditional
        self.known: History = []
        self.differences: History = []

    def __call__(self, sample: Tensor, timestep: Tensor, text: Tensor, **kwargs: Any) -> Any:
        """What the UNet returns: (2 images, channels, height, width), predicting v."""
        self.timesteps = [float(each) for each in self.pipe.scheduler.timesteps]
        call = self.timesteps.index(float(timestep))
        if call == 0:
            self.known, self.differences = [], []
        share = self.pipe.scheduler.alphas_cumprod[int(timestep)]
        signal, noise = share.sqrt(), (1 - share).sqrt()
        start = 0 if call in self.both else len(sample) // 2
        if call in self.both or call in self.conditional:
            condition = kwargs.get("added_cond_kwargs") or {}
            kwargs["added_cond_kwargs"] = {name: value[start:] for name, value in condition.items()}
            unet = self.pipe.unet
            (made,) = type(unet).forward(unet, sample[start:], timestep, text[start:], **kwargs)
            if call in self.both:
                unguided, guided = (signal * made + noise * sample).chunk(2)
                self.known = [(call, guided), *self.known[:1]]
                self.differences = [(call, guided - unguided), *self.differences[:1]]
                return (made,)
            self.known = [(call, signal * made + noise * sample[start:]), *self.known[:1]]
        guided = self._forecast(self.known, call)
        unguided = guided - self._forecast(self.differences, call)
        return ((torch.cat([unguided, guided]) - noise * sample) / signal,)

    def _forecast(self, history: History, call: int) -> Tensor:
        weights = linear_weights(self.timesteps, call, [computed for computed, _ in history])
        values = zip(weights, history, strict=False)
        return torch.stack([weight * value for weight, (_, value) in values]).sum(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--images", type=int, default=32)
    options = parser.parse_args()
    torch.set_num_threads(1)
    world = World(options.cache, images=options.images)
    plans = {len(plan.full): plan.full for plan in placements(world.calibration())}
    pipe, chosen = world.generator.pipe, range(options.images)
    reference = world.generator.generate(None, chosen)
    tried = [(plans[count], plans[count]) for count in WHOLE]
    tried += [(plans[count][::every], plans[count]) for count, every in HALVED]
    for both, computed in tried:
        halves = Halves(pipe, both, [call for call in computed if call not in both])
        with _instead(pipe.unet, halves):
            images = world.generator.generate(None, chosen)
        cost = len(both) + len(halves.conditional) / 2
        print(f"{cost:.1f} {_line(images, reference)}; both halves at {list(both)}", flush=True)


@contextmanager
def _instead(unet: Any, forward: Halves) -> Iterator[None]:
    def patched(sample: Tensor, timestep: Tensor, **kwargs: Any) -> Any:
        return forward(sample, timestep, kwargs.pop("encoder_hidden_states"), **kwargs)

    unet.forward = patched
    try:
        yield
    finally:
        del unet.forward


def _line(images: Images, reference: Images) -> str:
    network = load_features()
    fid = frechet_between(network(reference.pixels), network(images.pixels))
    return f"FID {fid:.4f}, PSNR {psnr(images.pixels, reference.pixels).mean():.1f} dB"


if __name__ == "__main__":
    main()
