"""What more numbers, and half calls, would bring to a tuned sampler of pocket-flow.

python -m experiments.tuning.beyond --cache CACHE --member tuned-5.8x --bands 4
python -m experiments.tuning.beyond --cache CACHE --member tuned-5.8x --asked
python -m experiments.tuning.beyond --cache CACHE --member tuned-4.7x --halves --images 16
python -m experiments.tuning.beyond --cache CACHE --member tuned-5.8x --constant --images 16

Goes on from a member of the recorded study (experiments/study/flow) with Gauss and Newton's method:
its timesteps and weights, and with ``--bands 4`` other weights for what averages over 4 x 4 latents
keep, with ``--asked`` timesteps that the denoiser is asked at apart from those of the latents.
``--halves`` computes the conditional half alone at one call, with the difference of the halves of
the call before; ``--constant`` puts a constant in place of the first call's unconditional half.
Prints FID and PSNR to the unpatched images of held-out captions.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from experiments.command import parsed
from experiments.forecast.near import Made
from experiments.forecast.world import World, cached
from search.calibration.prompts import training_workload
from search.model.generator import Generator
from search.model.pixels import decoded
from search.model.workload import chunk_indices
from search.records.base_sampler import OWN
from search.records.files import load_result
from search.records.folder import StudyFolder
from search.tuning.tune import OFFSET

STUDY = Path(__file__).parents[1] / "study" / "flow"
SCALE = 3.0
DIFFERENCE, DAMPING = 0.02, 0.1
Name = tuple[str, int, int, int]
"""What a number is of, its call, the earlier call that it takes from, and its band."""


@dataclass(frozen=True)
class Numbers:
    """A sampler: (calls + 1) noise levels, (calls, calls) weights of velocities, of each band too,
    and (calls,) how far from its latents' level a call is asked."""

    levels: Tensor
    weights: Tensor
    bands: dict[int, Tensor] = field(default_factory=dict)
    asked: Tensor | None = None

    @property
    def calls(self) -> int:
        return len(self.weights)

    def names(self) -> list[Name]:
        calls = range(1, self.calls)
        names: list[Name] = [("level", call, 0, 0) for call in calls]
        for band in (0, *self.bands):
            names += [("weight", call, back, band) for call in calls for back in range(call)[-2:]]
        if self.asked is not None:
            names += [("asked", call, 0, 0) for call in range(self.calls)]
        return names

    def moved(self, steps: list[float]) -> Numbers:
        levels, weights = self.levels.clone(), self.weights.clone()
        bands = {band: rows.clone() for band, rows in self.bands.items()}
        asked = None if self.asked is None else self.asked.clone()
        gaps = self.levels[:-1] - self.levels[1:]
        for (what, call, back, band), step in zip(self.names(), steps, strict=True):
            near = float(min(gaps[max(call - 1, 0)], gaps[call]))
            if what == "level":
                levels[call] += max(-0.45, min(0.45, step)) * near
            elif what == "asked" and asked is not None:
                asked[call] += max(-0.3, min(0.3, step)) * near
            else:
                rows, added = bands[band] if band else weights, max(-0.5, min(0.5, step))
                rows[call, call] += added
                rows[call, back] -= added
        return Numbers(levels, weights, bands, asked)


@dataclass(frozen=True)
class Images:
    """Prompts and noise, and what the denoiser says of them at the scale.

    Args:
        halved: the call that computes the conditional half alone, and the share of the difference
            that it takes from the call before. ``constant``: what stands for the clean sample of
            the first call's unconditional half.
    """

    generator: Generator
    halved: tuple[int, float] | None = None
    constant: Tensor | None = None

    @cached_property
    def chunks(self) -> list[tuple[Tensor, dict[str, Tensor]]]:
        own = self.generator
        chunks = range(own.chunk_count)
        indices = [chunk_indices(k, own.model.batch_size, len(own.workload)) for k in chunks]
        return [
            (own._noise(each), own._conditions[k]) for k, each in zip(chunks, indices, strict=True)
        ]

    @torch.no_grad()
    def half(self, sample: Tensor, level: float, text: dict[str, Tensor], kind: str) -> Tensor:
        output: Tensor = self.generator.denoiser(
            hidden_states=sample,
            timestep=torch.full((len(sample),), 1000 * min(1.0, max(1e-3, level))),
            encoder_hidden_states=text[f"{kind}prompt_embeds"],
            pooled_projections=text[f"{kind}pooled_prompt_embeds"],
            return_dict=False,
        )[0]
        return output

    def run(self, numbers: Numbers, chunk: int, known: Any = None, first: int = 0) -> Any:
        """Final latents, and the latents, velocities and differences of each call."""
        noise, text = self.chunks[chunk]
        samples, outputs, apart = (list(each[:first]) for each in known or ([], [], []))
        for call in range(first, numbers.calls + 1):
            sample = noise if call == 0 else self._next(numbers, call - 1, samples, outputs)
            if call == numbers.calls:
                return sample, (samples, outputs, apart)
            shift = 0.0 if numbers.asked is None else float(numbers.asked[call])
            level = float(numbers.levels[call]) + shift
            guided = self.half(sample, level, text, "")
            if self.halved is not None and call == self.halved[0]:
                apart.append(self.halved[1] * apart[-1])
            elif self.constant is not None and call == 0:
                apart.append(guided - (sample - self.constant))
            else:
                apart.append(guided - self.half(sample, level, text, "negative_"))
            samples.append(sample)
            outputs.append(guided + (SCALE - 1) * apart[-1])
        raise AssertionError

    def _next(
        self, numbers: Numbers, call: int, samples: list[Tensor], outputs: list[Tensor]
    ) -> Tensor:
        step = _summed(numbers.weights[call], outputs)
        for band, rows in numbers.bands.items():
            low = avg_pool2d(_summed(rows[call], outputs), band)
            step = step + interpolate(low, scale_factor=band, mode="bilinear")
        return samples[call] + float(numbers.levels[call + 1] - numbers.levels[call]) * step


def _summed(weights: Tensor, outputs: list[Tensor]) -> Tensor:
    return torch.stack([float(w) * each for w, each in zip(weights, outputs, strict=False)]).sum(0)


def main() -> None:
    parser = cached(__doc__, images=64)
    parser.add_argument("--member", default="tuned-5.8x")
    parser.add_argument("--bands", type=int, nargs="*", default=[])
    parser.add_argument("--asked", action="store_true")
    parser.add_argument("--halves", action="store_true")
    parser.add_argument("--constant", action="store_true")
    parser.add_argument("--training", type=int, default=32, help="captions, a quarter kept apart")
    parser.add_argument("--iterations", type=int, default=3)
    options = parsed(parser)
    torch.set_num_threads(1)
    world = World(options.cache, OWN, 28, options.images, SCALE, "pocket-flow")
    numbers = _recorded(options.member)
    held = Images(world.generator)
    _judge("whole calls", world, held, numbers)
    workload = training_workload("pocket", 16, 0, options.training, OFFSET)
    train = Images(world.generator.with_workload(workload))
    if options.halves:
        for call in range(1, numbers.calls):
            for share in (0.0, 0.7, 1.0):
                half = replace(held, halved=(call, share))
                _judge(f"half call {call}, share {share:g}", world, half, numbers)
    elif options.constant:
        clean = [x - train.half(x, 1.0, text, "negative_") for x, text in train.chunks]
        _judge("constant", world, replace(held, constant=torch.cat(clean).mean(0)), numbers)
    else:
        bands = {band: torch.zeros_like(numbers.weights) for band in options.bands}
        asked = torch.zeros(numbers.calls).double() if options.asked else None
        tuned = _tuned(train, replace(numbers, bands=bands, asked=asked), options.iterations)
        _judge("tuned", world, held, tuned)


def _recorded(member: str) -> Numbers:
    front = load_result(StudyFolder(STUDY)).front
    sampler = next(each for each in front if each.name == member).record.schedule.tuned
    assert sampler is not None
    weights = torch.zeros(sampler.calls, sampler.calls, dtype=torch.float64)
    for call, row in enumerate(sampler.weights):
        for back, weight in enumerate(row):
            weights[call, call - back] = weight
    return Numbers(torch.tensor([*sampler.timesteps, 0.0]).double() / 1000, weights)


def _judge(name: str, world: World, images: Images, numbers: Numbers) -> None:
    own, chunks = images.generator, range(images.generator.chunk_count)
    pixels = [decoded(own.pipe, own.family, images.run(numbers, k)[0]) for k in chunks]
    near = Made.of(torch.cat(pixels)).near(world.reference)
    print(f"{name}: FID {near.fid:.4f}, PSNR {near.psnr:.2f} dB", flush=True)


def _tuned(images: Images, numbers: Numbers, iterations: int) -> Numbers:
    """Gauss and Newton's steps, as search/tuning/gauss_newton.py takes them."""
    chunks = images.generator.chunk_count
    aims = [images.generator.loop(chunk).float() for chunk in range(chunks)]
    train, apart = range(chunks - chunks // 4), range(chunks - chunks // 4, chunks)
    names, damping = numbers.names(), DAMPING
    best = _loss(images, numbers, aims, apart), numbers
    for _ in range(iterations):
        curvature, slope = torch.zeros(2, len(names), len(names)).double()
        slope = slope[0]
        for k in train:
            latents, known = images.run(numbers, k)
            residual = (latents - aims[k]).flatten(1)
            changes = []
            for place, (what, call, _, _) in enumerate(names):
                steps = [0.0] * len(names)
                steps[place] = DIFFERENCE
                first = call + (what == "weight")
                other, _ = images.run(numbers.moved(steps), k, known, first)
                changes.append((other - latents).flatten(1) / DIFFERENCE)
            change = torch.stack(changes)
            weighted = change / residual.square().mean(1)[:, None]
            curvature += torch.einsum("aij,bij->ab", weighted, change).double()
            slope += torch.einsum("aij,ij->a", weighted, residual).double()
        before = _loss(images, numbers, aims, train)
        for _ in range(4):
            damped = curvature + torch.diag(damping * curvature.diag().clamp_min(1e-12))
            other_numbers = numbers.moved(torch.linalg.solve(damped, -slope).tolist())
            if _loss(images, other_numbers, aims, train) < before:
                numbers, damping = other_numbers, max(damping / 5, 0.02)
                break
            damping *= 5
        loss = _loss(images, numbers, aims, apart)
        print(f"kept apart: {loss:.5f} (at first {best[0]:.5f})", flush=True)
        best = min(best, (loss, numbers), key=lambda each: each[0])
    return best[1]


def _loss(images: Images, numbers: Numbers, aims: list[Tensor], chunks: range) -> float:
    """The geometric mean of the images' mean squared errors."""
    errors = [(images.run(numbers, k)[0] - aims[k]).flatten(1).square().mean(1) for k in chunks]
    return float(torch.cat(errors).log().mean().exp())


if __name__ == "__main__":
    main()
