"""Write a checkpoint's averaged weights as pocket-flow's diffusers pipeline folder.

python -m experiments.pocket.export_flow --snapshot experiments/pocket/runs/flow/last.pt
"""

from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from transformers import CLIPTokenizer

from dato.pocket import pocket_path
from experiments.command import command, parsed
from experiments.pocket.flow_networks import build_flow, save_flow_pipeline


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--snapshot", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=pocket_path("pocket-flow"))
    options = parsed(parser)
    state = torch.load(options.snapshot, weights_only=True)
    networks = build_flow(pocket_path() / "text_encoder")
    for module, weights in zip(networks.modules, state["average"], strict=True):
        module.load_state_dict(weights)
    codec = AutoencoderTiny.from_pretrained(pocket_path() / "vae")
    tokenizer = CLIPTokenizer.from_pretrained(pocket_path() / "tokenizer")
    save_flow_pipeline(options.out, codec, tokenizer, networks)
    print(f"step {state['step']}, {state['seen']} images, {state['elapsed'] / 60:.1f} minutes")


if __name__ == "__main__":
    main()
