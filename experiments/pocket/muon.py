"""Muon: momentum whose every matrix is brought to singular values of about one.

Keller Jordan and others, "Muon: an optimizer for hidden layers in neural networks" (2024). It
takes small transformers to the same loss in clearly fewer steps than AdamW.
"""

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

_A, _B, _C = 3.4445, -4.7750, 2.0315  # the quintic iteration's coefficients
_ITERATIONS = 5
MOMENTUM = 0.95


class Muon:
    """Steps matrices. Those of one shape are orthogonalised together, as one batch."""

    def __init__(self, matrices: Sequence[nn.Parameter]) -> None:
        stacks: dict[tuple[int, ...], list[nn.Parameter]] = defaultdict(list)
        for matrix in matrices:
            stacks[tuple(matrix.shape)].append(matrix)
        self.stacks = list(stacks.values())
        self.momenta = [torch.zeros(len(s), *s[0].shape, device=s[0].device) for s in self.stacks]

    def step(self, rate: float) -> None:
        """Move every matrix by `rate` times the root mean square of a usual AdamW step."""
        for stack, momentum in zip(self.stacks, self.momenta, strict=True):
            gradients = torch.stack([_gradient(matrix) for matrix in stack])
            momentum.lerp_(gradients, 1 - MOMENTUM)
            update = orthogonalised(gradients.lerp(momentum, MOMENTUM))
            # An orthogonal matrix has entries of 1 / sqrt(longer side); AdamW's are about 0.2.
            scale = 0.2 * max(update.shape[-2:]) ** 0.5
            for matrix, direction in zip(stack, update, strict=True):
                matrix.data.add_(direction, alpha=-rate * scale)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for stack in self.stacks:
            for matrix in stack:
                matrix.grad = None


def _gradient(parameter: nn.Parameter) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def orthogonalised(matrices: Tensor) -> Tensor:
    """The nearest matrices with singular values between about 0.7 and 1.2: (n, rows, columns)."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    x: Tensor = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    return x.mT if tall else x
