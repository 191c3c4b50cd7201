"""The slow, obvious way to calibrate: keep every value of every run, then multiply.

Cuts are caught by hooks on the pipeline's own forward, not by the engine's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from dato.denoisers.unet import up_units
from search.model.generator import Generator
from search.model.workload import Workload


@dataclass
class Kept:
    """Values of all images: of each call, flat, float64."""

    noise: list[list[Tensor]] = field(default_factory=list)
    cuts: dict[int, list[list[Tensor]]] = field(default_factory=dict)

    def gram(self, values: list[list[Tensor]]) -> Tensor:
        """(calls, calls)"""
        return sum((torch.stack(own) @ torch.stack(own).T for own in values), torch.zeros(()))


def kept_values(generator: Generator, workload: Workload, depths: tuple[int, ...]) -> Kept:
    """Guided noise of a model that predicts v, and what enters the up units of ``depths``."""
    own = generator.with_workload(workload)
    unet, scheduler, kept = own.denoiser, own.pipe.scheduler, Kept()
    resnets: list[Any] = [unit.resnet for unit in up_units(unet)]
    units = dict(enumerate(reversed(resnets), 1))
    batch = own.model.batch_size
    for chunk in range(own.chunk_count):
        count = min(batch, len(workload) - chunk * batch)
        noise: list[list[Tensor]] = [[] for _ in range(count)]
        cuts: dict[int, list[list[Tensor]]] = {n: [[] for _ in range(count)] for n in depths}

        def follow(
            _: Any,
            args: tuple[Any, ...],
            kwargs: dict[str, Any],
            output: Any,
            noise: list[list[Tensor]] = noise,
            count: int = count,
        ) -> None:
            sample = args[0].double()
            alpha = scheduler.alphas_cumprod[int(args[1])].double()
            found = alpha.sqrt() * output[0].double() + (1 - alpha).sqrt() * sample
            guided = found[:count] + own.model.guidance_scale * (found[count:] - found[:count])
            for image in range(count):
                noise[image].append(guided[image].flatten())

        def catch(
            module: Any,
            args: tuple[Any, ...],
            depth: int,
            cuts: dict[int, list[list[Tensor]]] = cuts,
            count: int = count,
        ) -> None:
            # The hidden state comes first in the concatenation; the skip branch has the rest.
            skip = _skip_channels(unet, depth)
            hidden = args[0][:, : args[0].shape[1] - skip].double()
            for image in range(count):
                cuts[depth][image].append(hidden[[image, count + image]].flatten())

        handles = [unet.register_forward_hook(follow, with_kwargs=True)]
        for depth in depths:
            hook = lambda module, args, depth=depth: catch(module, args, depth)  # noqa: E731
            handles.append(units[depth].register_forward_pre_hook(hook))
        try:
            own.loop(chunk)
        finally:
            for handle in handles:
                handle.remove()
        kept.noise.extend(noise)
        for depth in depths:
            kept.cuts.setdefault(depth, []).extend(cuts[depth])
    return kept


def _skip_channels(unet: Any, depth: int) -> int:
    """Channels of skip branch ``depth - 1`` of a UNet with two resnets a level."""
    widths = unet.config.block_out_channels
    branches = [widths[0]]
    for level, width in enumerate(widths):
        branches += [width, width] + ([width] if level < len(widths) - 1 else [])
    return int(branches[depth - 1])
