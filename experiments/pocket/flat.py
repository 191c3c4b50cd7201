"""All parameters of several modules as one vector: easy to step, to average and to save."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class FlatParameters:
    """Moves the parameters of modules into `values`: float32 (p,), and their gradients likewise."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        parameters = [parameter for module in modules for parameter in module.parameters()]
        count = sum(parameter.numel() for parameter in parameters)
        device = parameters[0].device
        self.values = nn.Parameter(torch.empty(count, device=device))
        self.gradients = torch.zeros(count, device=device)
        self.values.grad = self.gradients
        start = 0
        for parameter in parameters:
            stop = start + parameter.numel()
            view = self.values.data[start:stop].view_as(parameter)
            view.copy_(parameter.data)
            parameter.data = view
            parameter.grad = self.gradients[start:stop].view_as(parameter)
            start = stop

    def load(self, values: Tensor) -> None:
        """Overwrite every parameter from values: (p,)."""
        self.values.data.copy_(values)
