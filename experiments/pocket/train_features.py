"""Train the feature network that judges pictures and embeds them for FID.

python -m experiments.pocket.train_features --minutes 4
"""

import json
import time
from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from safetensors.torch import save_file
from torch import Tensor, nn

from experiments.command import command, parsed
from experiments.pocket.codec import decode, encode
from experiments.pocket.scale_features import deviations, scale
from search.pocket.captions import Scene, sample_scenes
from search.pocket.features import HEADS, NONE, FeatureNetwork
from search.pocket.render import render

RUNS = Path("experiments/pocket/runs")


def labels(scenes: tuple[Scene, ...]) -> dict[str, Tensor]:
    """The right answer's index for each question and scene: int64 (n,) each."""
    rows: dict[str, list[int]] = {name: [] for name in HEADS}
    for scene in scenes:
        things = scene.spec.things
        right = {"background": scene.spec.background, "layout": scene.spec.layout}
        for slot, name in enumerate(("first", "second")):
            there = slot < len(things)
            right[f"{name}_shape"] = things[slot].shape if there else NONE
            right[f"{name}_colour"] = things[slot].colour if there else NONE
        for name, answer in right.items():
            rows[name].append(HEADS[name].index(answer))
    return {name: torch.tensor(values) for name, values in rows.items()}


def augment(images: Tensor, codec: AutoencoderTiny) -> Tensor:
    """Wear images: float (n, 3, 64, 64) in [0, 1] as generation may: codec, blur, tint, noise."""
    half = len(images) // 2
    with torch.no_grad():
        latents = encode(codec, images[:half] * 255)
        latents = latents + 0.2 * torch.rand(half, 1, 1, 1) * torch.randn_like(latents)
        images = torch.cat([decode(codec, latents), images[half:]])
    blurred = nn.functional.avg_pool2d(images, 3, 1, 1, count_include_pad=False)
    images = images.lerp(blurred, torch.rand(len(images), 1, 1, 1))
    images = images + 0.05 * torch.randn(len(images), 3, 1, 1)
    images = images + 0.1 * torch.rand(len(images), 1, 1, 1) * torch.randn_like(images)
    return images.clamp(0, 1)


def accuracies(
    network: FeatureNetwork, images: Tensor, right: dict[str, Tensor]
) -> dict[str, float]:
    """The share of right answers to each question."""
    network.eval()
    with torch.no_grad():
        logits = network.logits(torch.cat([network(part) for part in images.split(256)]))
    network.train()
    return {
        name: round((values.argmax(1) == right[name]).float().mean().item(), 4)
        for name, values in logits.items()
    }


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--out", type=Path, default=Path("search/pocket/weights"))
    options = parsed(parser)
    torch.manual_seed(0)
    codec = AutoencoderTiny.from_pretrained(RUNS / "codec")
    scenes = sample_scenes(12_000, seed=201, split="training")
    images, right = render(scenes), labels(scenes)
    network = FeatureNetwork()
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.01)
    start, step = time.monotonic(), 0
    while (progress := (time.monotonic() - start) / (60 * options.minutes)) < 1:
        optimizer.param_groups[0]["lr"] = 2e-3 * min(1.0, step / 50 + 0.01) * (1 - progress)
        rows = torch.randint(len(images), (32,))
        logits = network.logits(network.embed_unit(augment(images[rows].float() / 255, codec)))
        loss = torch.stack(
            [nn.functional.cross_entropy(logits[name], right[name][rows]) for name in HEADS]
        ).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 200 == 0:
            print(step, f"{loss.item():.4f}", flush=True)
        step += 1

    held_out = sample_scenes(2000, seed=202, split="held_out")
    shown, truth = render(held_out), labels(held_out)
    worn = torch.cat([augment(part.float() / 255, codec) for part in shown.split(250)])
    record = {
        "steps": step,
        "held_out": accuracies(network, shown, truth),
        "held_out_augmented": accuracies(network, (worn * 255).round().to(torch.uint8), truth),
    }
    scale(network.eval(), deviations(network))
    options.out.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), options.out / "features.safetensors")
    (RUNS / "features.json").write_text(json.dumps(record, indent=1))
    print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
