"""The prompts and the initial noise of a study, the same for every trial."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from search.errors import UserError


def image_seed(seed: int, index: int, stream: str) -> int:
    """A 63-bit seed that depends only on the arguments, on every machine."""
    text = f"{stream}:{seed}:{index}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


@dataclass(frozen=True)
class Workload:
    """Prompts and a seed; image ``i`` is ``prompts[i]`` from the noise of ``(seed, first + i)``.

    Args:
        first: number of the first image, if it is a part of a larger workload.

    Raises:
        UserError: there are no prompts.
    """

    prompts: tuple[str, ...]
    seed: int
    first: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "prompts", tuple(self.prompts))
        if not self.prompts:
            raise UserError("The workload has no prompt. Give at least one prompt.")

    def __len__(self) -> int:
        return len(self.prompts)

    def only(self, image: int) -> Workload:
        """The part that is one image."""
        return Workload(self.prompts[image : image + 1], self.seed, self.first + image)

    def noise(self, indices: Sequence[int], shape: tuple[int, int, int]) -> Tensor:
        """Initial latents, on the CPU: (images, channels, height, width), standard normal."""
        return torch.stack(
            [
                torch.randn(shape, generator=self._generator(index, "initial"), dtype=torch.float32)
                for index in indices
            ]
        )

    def generators(self, indices: Sequence[int]) -> list[torch.Generator]:
        """One generator per image, for samplers that add noise while they denoise."""
        return [self._generator(index, "sampler") for index in indices]

    def _generator(self, index: int, stream: str) -> torch.Generator:
        return torch.Generator("cpu").manual_seed(image_seed(self.seed, self.first + index, stream))


def chunk_indices(chunk: int, batch_size: int, count: int) -> range:
    """Images of chunk number ``chunk``; only the last chunk of a workload may be smaller."""
    return range(chunk * batch_size, min((chunk + 1) * batch_size, count))


def chunks_of(indices: Sequence[int], batch_size: int, count: int) -> tuple[int, ...]:
    """The chunks that hold ``indices``, in order.

    Raises:
        IndexError: an index is outside the workload.
    """
    for index in indices:
        if not 0 <= index < count:
            raise IndexError(f"The workload has images 0 to {count - 1}; found {index}.")
    return tuple(sorted({index // batch_size for index in indices}))
