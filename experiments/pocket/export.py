"""Write a training snapshot as an ordinary diffusers pipeline folder.

python -m experiments.pocket.export --snapshot experiments/pocket/runs/unet/last.pt
"""

from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from transformers import CLIPTextModel

from experiments.command import command
from experiments.pocket.flat import FlatParameters
from experiments.pocket.networks import build_unet, save_pipeline
from experiments.pocket.tokenizer import build_tokenizer

RUNS = Path("experiments/pocket/runs")


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--snapshot", type=Path, help="without it the UNet stays untrained")
    parser.add_argument("--out", type=Path, default=Path("dato/pocket/pipeline"))
    options = parser.parse_args()
    unet = build_unet()
    text = CLIPTextModel.from_pretrained(RUNS / "text" / "encoder")
    if options.snapshot:
        state = torch.load(options.snapshot, map_location="cpu", weights_only=True)
        FlatParameters([unet, text]).load(state["average"])
        print(f"step {state['step']}, {state['elapsed'] / 60:.1f} minutes")
    codec = AutoencoderTiny.from_pretrained(RUNS / "codec")
    tokenizer = build_tokenizer(RUNS / "text" / "tokenizer")
    save_pipeline(options.out, codec, text, tokenizer, unet)


if __name__ == "__main__":
    main()
