"""The feature network: embeds a picture for FID, and reads from the embedding what it shows."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from search.pocket.captions import BACKGROUNDS, COLOURS, IMAGE_SIZE, LAYOUTS, SHAPES

NONE = "none"  # the second object of a scene of one
# Question -> its possible answers, in the order of the logits. Objects are in reading order.
HEADS: Mapping[str, tuple[str, ...]] = {
    "background": BACKGROUNDS,
    "layout": LAYOUTS,
    "first_shape": SHAPES,
    "first_colour": COLOURS,
    "second_shape": (*SHAPES, NONE),
    "second_colour": (*COLOURS, NONE),
}
_WIDTHS = (24, 48, 64, 96)


class FeatureNetwork(nn.Module):
    """Four strided convolutions, an embedding of 48 numbers, and one linear head per question.

    The embedding is small so that a FID over some 64 images has well conditioned covariances. Each
    of its numbers has a deviation of 1 over real renders, which gives FIDs their unit
    (``experiments/pocket/scale_features.py``).
    """

    def __init__(self, num_features: int = 48) -> None:
        super().__init__()
        self.num_features = num_features
        layers: list[nn.Module] = []
        channels = 3
        for width in _WIDTHS:
            layers += [
                nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            channels = width
        self.body = nn.Sequential(*layers)
        side = IMAGE_SIZE // 2 ** len(_WIDTHS)
        self.embed = nn.Linear(channels * side * side, num_features)
        self.heads = nn.ModuleDict(
            {name: nn.Linear(num_features, len(answers)) for name, answers in HEADS.items()}
        )

    def forward(self, images: Tensor) -> Tensor:
        """Embed images: uint8 (n, 3, h, w) -> float32 (n, num_features)."""
        return self.embed_unit(images.float() / 255.0)

    def embed_unit(self, images: Tensor) -> Tensor:
        """Embed images: float (n, 3, h, w) in [0, 1] -> float32 (n, num_features)."""
        if images.shape[-2:] != (IMAGE_SIZE, IMAGE_SIZE):
            images = nn.functional.interpolate(
                images, (IMAGE_SIZE, IMAGE_SIZE), mode="bilinear", antialias=True
            )
        features: Tensor = self.embed(self.body(images * 2.0 - 1.0).flatten(1))
        return features

    def logits(self, features: Tensor) -> dict[str, Tensor]:
        """Answers to every question in HEADS, from features: (n, num_features)."""
        return {name: head(features) for name, head in self.heads.items()}

    @classmethod
    def load(cls, path: Path) -> "FeatureNetwork":
        """Read a trained network from a safetensors file, in evaluation mode and frozen."""
        weights = load_file(path)
        network = cls(num_features=weights["embed.bias"].numel())
        network.load_state_dict(weights)
        return network.eval().requires_grad_(False)


def read(network: FeatureNetwork, images: Tensor) -> list[dict[str, str]]:
    """The likeliest answer to each question, for images: uint8 (n, 3, h, w)."""
    with torch.no_grad():
        logits = network.logits(network(images))
    answers = {name: values.argmax(1).tolist() for name, values in logits.items()}
    return [{name: HEADS[name][answers[name][row]] for name in HEADS} for row in range(len(images))]
