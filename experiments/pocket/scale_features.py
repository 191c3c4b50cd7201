"""Give every feature of the embedded network a deviation of 1 over real renders.

python -m experiments.pocket.scale_features

An FID is a sum of squares of features, so its unit is that of the features. With deviations of 1
the distance of two unrelated sets is of the order of the number of features, 48, whatever the
training left. The answers of the heads do not change.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from experiments.command import command
from search.pocket.captions import sample_scenes
from search.pocket.features import FeatureNetwork
from search.pocket.render import render

SCENES = 20_000
SEED = 203
BATCH = 500


def deviations(network: FeatureNetwork, scenes: int = SCENES) -> Tensor:
    """The deviation of each feature over renders of training scenes: (num_features,)."""
    shown = sample_scenes(scenes, seed=SEED, split="training")
    batches = (shown[start : start + BATCH] for start in range(0, scenes, BATCH))
    with torch.no_grad():
        return torch.cat([network(render(batch)) for batch in batches]).double().std(0)


def scale(network: FeatureNetwork, deviation: Tensor) -> None:
    """Divide every feature by its ``deviation``, (num_features,), in place; the heads, which read
    the features, take it back."""
    factor = deviation.float()
    with torch.no_grad():
        network.embed.weight.div_(factor[:, None])
        network.embed.bias.div_(factor)
        for name, weight in network.heads.named_parameters():
            if name.endswith("weight"):
                weight.mul_(factor)


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--weights", type=Path, default=Path("search/pocket/weights"))
    path = parser.parse_args().weights / "features.safetensors"
    torch.set_num_threads(1)
    network = FeatureNetwork.load(path)
    before = deviations(network)
    print(f"deviations before: {before.min():.3f} to {before.max():.3f}", flush=True)
    scale(network, before)
    save_file(network.state_dict(), path)
    after = deviations(network)
    print(f"deviations after: {after.min():.6f} to {after.max():.6f}")


if __name__ == "__main__":
    main()
