"""A made-up cost table for an SD 1.5-like denoiser."""

from __future__ import annotations

from search.latency.cost_table import CostTable, PruneCost
from search.model.cost_setting import Place, Work
from tests.strategies import sd15_topology

TOPOLOGY = sd15_topology()
WORK = Work(
    model="pocket",
    architecture="sha256:" + "0" * 64,
    skip_branches=TOPOLOGY.skip_branches,
    layers=TOPOLOGY.layers,
    latent_size=(32, 32),
    image_size=(64, 64),
    guided=True,
    scheduler="DDIMScheduler",
    calls=50,
)


def made_up_table(device: str, shallow: float = 0.1, pruned: float = -0.01) -> CostTable:
    """Seconds: 1 for a full call, ``shallow`` for each depth, ``pruned`` for each pruned layer."""
    depths = {"0": 0.0} | {str(depth): shallow * depth for depth in range(1, 13)}
    return CostTable(
        work=WORK,
        place=Place(device=device, dtype="float32", batch_size=4, timer="process_time"),
        fixed_s=0.0,
        depth_s={"full": 1.0} | depths,
        prune=tuple(
            PruneCost(level=level, middle=middle, ratios=(0.5,), delta_s=(pruned,))
            for level, middle in ((0, False), (1, False), (2, False), (3, True))
        ),
    )
