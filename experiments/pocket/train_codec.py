"""Fit the codec: the encoder in closed form, the decoder by a few minutes of training on one core.

python -m experiments.pocket.train_codec --minutes 3
"""

import json
import time
from pathlib import Path

import torch

from experiments.command import command, parsed
from experiments.pocket.codec import build_codec, decode, encode, fit_encoder
from search.pocket.captions import sample_scenes
from search.pocket.render import render

LATENT_NOISE = 0.03  # generated latents are never exact: the decoder must bear a little noise


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--out", type=Path, default=Path("experiments/pocket/runs/codec"))
    options = parsed(parser)
    torch.manual_seed(0)
    images = render(sample_scenes(3000, seed=101, split="training"))
    codec = build_codec()
    spreads = fit_encoder(codec, images[:1000].float() / 255)
    latents = encode(codec, images)
    print("latent standard deviations", spreads, flush=True)

    optimizer = torch.optim.AdamW(codec.decoder.parameters(), lr=3e-3, betas=(0.9, 0.99))
    start, step = time.monotonic(), 0
    while (progress := (time.monotonic() - start) / (60 * options.minutes)) < 1:
        optimizer.param_groups[0]["lr"] = 3e-3 * min(1.0, step / 50) * (1 - progress) + 1e-5
        rows = torch.randint(len(images), (8,))
        noisy = latents[rows] + LATENT_NOISE * torch.randn_like(latents[rows])
        loss = (decode(codec, noisy) - images[rows].float() / 255).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 200 == 0:
            print(step, f"{-10 * loss.log10().item():.2f} dB", flush=True)
        step += 1

    held_out = render(sample_scenes(256, seed=102, split="held_out"))
    with torch.no_grad():
        decoded = decode(codec, encode(codec, held_out)).clamp(0, 1)
    error = (decoded - held_out.float() / 255).square().mean((1, 2, 3))
    psnr = -10 * error.log10().mean().item()
    codec.save_pretrained(options.out)
    record = {"psnr_db": round(psnr, 2), "latent_std": spreads, "steps": step}
    (options.out / "result.json").write_text(json.dumps(record, indent=1))
    print(record, flush=True)


if __name__ == "__main__":
    main()
